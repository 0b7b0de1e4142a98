import type { CheckpointTensor } from '@moeq/loader';
import { doubleQuant, int8, nf4, type Quantizer } from '@moeq/quantizers';
import { byteLength, decodeTensor, type FloatDType, fromFloat32, toFloat32 } from '@moeq/tensors';
import { expect, test } from 'vitest';
import type { Job } from './in-order.js';
import { pieceJobs } from './kept.js';
import { floatScratch, matrixJobs, type QuantizedMatrix } from './matrices.js';

/** A tensor in memory; `reads` collects the ranges that were asked for. */
function tensorOf(values: Float32Array, shape: readonly number[], dtype: FloatDType = 'F32') {
  const data = fromFloat32(values, dtype);
  const reads: [offset: number, length: number][] = [];
  const tensor: CheckpointTensor = {
    facts: { name: 'w', role: 'expert', shape },
    slot: 'expertDown',
    stored: dtype,
    bytes: byteLength(dtype, shape),
    read: () => Promise.reject(new Error('must not be read whole')),
    async readBytes(offset, length) {
      reads.push([offset, length]);
      return data.slice(offset, offset + length);
    },
  };
  return { tensor, data, reads };
}

async function all<T>(jobs: Iterable<Job<T>>): Promise<T[]> {
  const list: T[] = [];
  for (const job of jobs) list.push(await job.run());
  return list;
}

const quantizeMatrices = (tensor: CheckpointTensor, quantizer: Quantizer) =>
  matrixJobs(tensor, quantizer, {
    floats: floatScratch(),
    encoder: undefined,
    quantizers: [],
    signal: undefined,
  });

const readPieces = (tensor: CheckpointTensor) => pieceJobs(tensor, { kind: 'planes' }, undefined);

const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);

test.each([
  { quantizer: doubleQuant(nf4()), rows: 300, columns: 500 },
  { quantizer: nf4(), rows: 3, columns: 70_001 },
  { quantizer: int8({ granularity: 'row' }), rows: 1000, columns: 200 },
])('norms of a matrix larger than a strip are those of the whole, $rows x $columns', async (test) => {
  const { quantizer, rows, columns } = test;
  const values = random(2 * rows * columns);
  const { tensor, reads } = tensorOf(values, [2, rows, columns]);
  const found: (QuantizedMatrix & { decoded: Float32Array })[] = [];
  for (const matrix of await all(quantizeMatrices(tensor, quantizer))) {
    found.push({ ...matrix, decoded: decodeTensor(matrix.tensor) });
  }
  expect(found.map(({ index }) => index)).toEqual([0, 1]);
  for (const { index, norms, decoded } of found) {
    const weights = values.subarray(index * rows * columns, (index + 1) * rows * columns);
    const expected = { weights: 0, difference: 0 };
    for (const [at, weight] of weights.entries()) {
      expected.weights += weight ** 2;
      expected.difference += (weight - (decoded[at] as number)) ** 2;
    }
    expect(norms.weights / expected.weights).toBeCloseTo(1, 12);
    expect(norms.difference / expected.difference).toBeCloseTo(1, 12);
    expect(norms.difference).toBeGreaterThan(0);
  }
  expect(reads).toEqual([
    [0, 4 * rows * columns],
    [4 * rows * columns, 4 * rows * columns],
  ]);
});

test('a format without a layout is compared by what its own quantizer says', async () => {
  const half: Quantizer = {
    ...nf4(),
    name: 'half',
    layout: () => null,
    quantize: (weights, shape, { dtype }) => ({
      format: 'half',
      shape,
      dtype,
      layout: null,
      planes: { all: { dtype: 'F32', data: fromFloat32(weights, 'F32') } },
    }),
    dequantize: ({ planes }) => toFloat32(planes['all']?.data ?? new Uint8Array(), 'F32').map((x) => x / 2),
  };
  const { tensor } = tensorOf(Float32Array.of(1, 1, 0.5, 0), [2, 2]);
  const [matrix] = await all(quantizeMatrices(tensor, half));
  expect(matrix?.norms).toEqual({ weights: 2.25, difference: 0.5625 });
});

test('a kept tensor comes in pieces of at most 16 MiB that are its bytes, each read once', async () => {
  const shape = [5_000_001];
  const { tensor, data, reads } = tensorOf(random(5_000_001), shape);
  const pieces = (await all(readPieces(tensor))).flat().map((piece) => piece.data);
  expect(pieces.map(({ byteLength: bytes }) => bytes)).toEqual([16 * 2 ** 20, 20_000_004 - 16 * 2 ** 20]);
  expect(reads).toHaveLength(2);
  expect(Buffer.concat(pieces).equals(data)).toBe(true);
});

test('the position of a NaN behind the first piece is right', async () => {
  const values = random(5_000_000);
  values[4_999_990] = Number.NaN;
  const { tensor } = tensorOf(values, [1000, 5000]);
  await expect(all(readPieces(tensor))).rejects.toThrow('found NaN at [999, 4990]');
});

test('empty tensors are nothing to read and nothing to lose', async () => {
  for (const shape of [
    [0, 4],
    [0, 2, 4],
    [2, 0, 4],
  ]) {
    const { tensor } = tensorOf(new Float32Array(0), shape);
    expect(await all(readPieces(tensor))).toEqual([]);
    for (const { norms } of await all(quantizeMatrices(tensor, nf4()))) {
      expect(norms).toEqual({ weights: 0, difference: 0 });
    }
  }
});
