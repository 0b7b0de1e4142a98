// Every element of an arranged tensor, by its definition, whatever ranges it is read in; rows of quantized ones by what they
// decode to.
import { int8, nf4 } from '@moeq/quantizers';
import { bytesPerElement, decodeTensor, elementCount, type FloatDType } from '@moeq/tensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Arrangement } from '../config/architecture.js';
import type { StoredTensor } from '../files/file-set.js';
import { arranged, gatesFirst, turnedShape } from './arrangement.js';

const name = 'model.layers.0.mlp.experts.gate_up_proj';

/** A tensor of bytes that all differ from their neighbours', and how often its matrices are read. */
function storedTensor(dtype: FloatDType, shape: readonly number[]): StoredTensor & { reads: number } {
  const bytes = bytesPerElement(dtype) * elementCount(shape);
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 167 + (i >> 8) * 31) & 255);
  const tensor = {
    name,
    dtype,
    shape,
    bytes,
    file: 'model.safetensors',
    reads: 0,
    read: async () => ({ dtype, shape, data }),
    async readBytes(offset: number, length: number) {
      tensor.reads++;
      if (offset + length > bytes) throw new Error(`a range of ${bytes} bytes`);
      // at any address
      const copy = new Uint8Array(length + 1).subarray(1);
      copy.set(data.subarray(offset, offset + length));
      return copy;
    },
  };
  return tensor;
}

/** Element by element: where each of the decoder's is in the files. */
function naive(
  data: Uint8Array,
  size: number,
  shape: readonly number[],
  { transposed = false, interleaved = false }: Arrangement,
): Uint8Array {
  const [experts = 0, rows = 0, columns = 1] = shape;
  const out = new Uint8Array(data.byteLength);
  for (let e = 0; e < experts; e++)
    for (let n = 0; n < rows; n++)
      for (let k = 0; k < columns; k++) {
        const row = !interleaved ? n : n < rows / 2 ? 2 * n : 2 * (n - rows / 2) + 1;
        const inMatrix = transposed && shape.length === 3 ? k * rows + row : row * columns + k;
        const from = size * (e * rows * columns + inMatrix);
        out.set(data.subarray(from, from + size), size * ((e * rows + n) * columns + k));
      }
  return out;
}

const arrangement = fc.record({
  transposed: fc.boolean(),
  interleaved: fc.boolean(),
  flat: fc.boolean(),
});
const shapes = fc.oneof(
  fc.tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 40 }).map((half) => 2 * half),
    fc.integer({ min: 1, max: 70 }),
  ),
  fc.tuple(
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 9 }).map((half) => 2 * half),
  ),
);

describe('plain tensors', () => {
  test('are as the decoder has them, at once and in parts that are read at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.constantFrom<FloatDType[]>('F32', 'F16', 'BF16'),
        arrangement,
        fc.array(fc.nat(), { maxLength: 6 }),
        async (shape, dtype, how, cuts) => {
          const stored = storedTensor(dtype, turnedShape(shape, how));
          const { data } = await stored.read();
          const expected = naive(data, bytesPerElement(dtype), shape, how);
          const tensor = arranged(stored, shape, how);
          expect([tensor.shape, tensor.bytes, tensor.dtype]).toEqual([shape, stored.bytes, dtype]);
          const whole = await tensor.read();
          expect(whole).toEqual({ dtype, shape, data: expected });
          const edges = [0, ...cuts.map((cut) => cut % stored.bytes), stored.bytes].sort((a, b) => a - b);
          const parts = edges.slice(1).map((to, i) => {
            const from = edges[i] ?? 0;
            const into = i % 2 === 0 ? new Uint8Array(to - from) : undefined;
            return tensor.readBytes(from, to - from, undefined, into);
          });
          expect(Buffer.concat(await Promise.all(parts))).toEqual(Buffer.from(expected));
        },
      ),
    );
  });

  test('a matrix that is read in parts is read from the files once', async () => {
    const stored = storedTensor('BF16', [3, 8, 64]);
    const tensor = arranged(stored, [3, 64, 8], { transposed: true, interleaved: true });
    const parts = Array.from({ length: 3 * 16 }, (_, i) => tensor.readBytes(64 * i, 64));
    await Promise.all(parts);
    expect(stored.reads).toBe(3);
  });

  test('a range outside is refused as it is for the tensor in the files', async () => {
    const tensor = arranged(storedTensor('BF16', [1, 4, 6]), [1, 6, 4], { transposed: true });
    await expect(tensor.readBytes(40, 10)).rejects.toThrow('a range of 48 bytes');
  });
});

describe('gates and ups of quantized tensors', () => {
  const weights = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i + 1));
  const rowsOf = (values: Float32Array, columns: number) =>
    Array.from({ length: values.length / columns }, (_, row) => [
      ...values.slice(row * columns, (row + 1) * columns),
    ]);

  test.each([
    ['nf4', nf4(), 64],
    ['int8', int8({ granularity: 'block', blockSize: 32 }), 96],
  ])('of %s change places, the codes of a row as they are', (_, quantizer, columns) => {
    const rows = 10;
    const tensor = quantizer.quantize(weights(rows * columns), [rows, columns], { name, dtype: 'BF16' });
    const before = rowsOf(decodeTensor(tensor), columns);
    const after = rowsOf(decodeTensor(gatesFirst(tensor, name)), columns);
    expect(after).toEqual([0, 2, 4, 6, 8, 1, 3, 5, 7, 9].map((row) => before[row]));
  });

  test('of rows that share a block are refused', () => {
    const tensor = nf4().quantize(weights(4 * 48), [4, 48], { name, dtype: 'BF16' });
    expect(() => gatesFirst(tensor, name)).toThrow('blocks of 64 elements across it');
  });
});
