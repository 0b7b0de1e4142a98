import type { MatrixData, MlpData } from '@moeq/kernels';
import { type ModelSource, readMlp } from '@moeq/runtime';
import { decodeTensor, isQuantized, toFloat32 } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { matrixNorms } from './matrix-norms.js';
import { openTiny } from './testkit/open-tiny.js';
import { summarizeErrors, type WeightError, weightErrors } from './weight-errors.js';

const open = (recipe?: string) => openTiny(recipe === undefined ? {} : { recipe });

async function all(model: ModelSource, baseline: ModelSource): Promise<WeightError[]> {
  const errors: WeightError[] = [];
  for await (const error of weightErrors(model, baseline)) errors.push(error);
  return errors;
}

const floats = (matrix: MatrixData): number[] => [
  ...(isQuantized(matrix) ? decodeTensor(matrix) : toFloat32(matrix.data, matrix.dtype)),
];

function naive(exact: readonly number[], other: readonly number[]): number {
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(exact.map((value, i) => value - (other[i] ?? Number.NaN))) / squares(exact));
}

test('every matrix has its error, as the definition gives it, beside its bits', async () => {
  const [model, baseline] = [await open('mixed'), await open()];
  const errors = await all(model, baseline);
  // Embedding, head; six layers of four attention matrices, a router, eight experts of three.
  expect(errors).toHaveLength(2 + 6 * (4 + 1 + 8 * 3));
  const parameters = model.checkpoint.tensors.filter(({ facts }) => facts.shape.length > 1);
  expect(errors.reduce((sum, error) => sum + error.parameters, 0)).toBe(
    parameters.reduce(
      (
        sum,
        {
          facts: {
            shape: [n = 0, k = 0],
          },
        },
      ) => sum + n * k,
      0,
    ),
  );
  for (const { role, format, bitsPerWeight, relativeError } of errors) {
    const expected = { expert: ['nf4-dq', 4.13], attention: ['int8', 8.13] }[role as string] ?? ['BF16', 16];
    expect([format, Number(bitsPerWeight.toFixed(2))]).toEqual(expected);
    if (format === 'BF16') expect(relativeError).toBe(0);
  }
  const place = { layer: 3, expert: 5 };
  const [mlp, exact] = [await readMlp(model, 'expert', place), await readMlp(baseline, 'expert', place)];
  const parts = [
    ['gateProj', mlp.gateUp[0], exact.gateUp[0]],
    ['upProj', mlp.gateUp[1], exact.gateUp[1]],
    ['downProj', mlp.down, exact.down],
  ] as const;
  for (const [projection, matrix, other] of parts) {
    const error = errors.find(
      (each) => each.layer === 3 && each.expert === 5 && each.projection === projection,
    );
    if (matrix === undefined || other === undefined) throw new Error('no such matrix');
    expect(error?.relativeError).toBeCloseTo(naive(floats(other), floats(matrix)), 12);
    expect(error?.relativeError).toBeGreaterThan(0.08);
  }
  const together = errors.filter(({ layer, expert }) => layer === 3 && expert === 5);
  const joined = (of: MlpData) => [...of.gateUp, of.down].flatMap(floats);
  expect(summarizeErrors(together).relativeError).toBeCloseTo(naive(joined(exact), joined(mlp)), 12);
  expect(summarizeErrors(together).parameters).toBe(3 * 256 * 256);
});

test('gate and up that one of two models holds fused are compared together', async () => {
  const [model, baseline] = [await open('nf4'), await open()];
  const weights: ModelSource['weights'] = {
    has: (slot, at) =>
      slot === 'expertGateUp' ||
      (!['expertGate', 'expertUp'].includes(slot) && baseline.weights.has(slot, at)),
    async read(slot, at) {
      if (slot !== 'expertGateUp') return baseline.weights.read(slot, at);
      const { gateUp } = await readMlp(baseline, 'expert', at ?? {});
      const data = Float32Array.from(gateUp.flatMap(floats));
      return { dtype: 'F32', shape: [512, 256], data: new Uint8Array(data.buffer) };
    },
  };
  const errors = await all(model, { ...baseline, weights });
  const own = errors.filter(({ layer, expert }) => layer === 2 && expert === 1);
  expect(own.map(({ projection }) => projection)).toEqual(['gateUpProj', 'downProj']);
  const apart = (await all(model, baseline)).filter(({ layer, expert }) => layer === 2 && expert === 1);
  expect(own[0]?.relativeError).toBeCloseTo(summarizeErrors(apart.slice(0, 2)).relativeError, 12);
});

test('norms of stacks that are cut differently, in pieces', () => {
  const matrix = (rows: number, columns: number, at: number): MatrixData => {
    const data = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(at * columns + i));
    return { dtype: 'F32', shape: [rows, columns], data: new Uint8Array(data.buffer) };
  };
  const columns = 2 ** 18; // pieces of four rows
  const exact = [matrix(3, columns, 0), matrix(6, columns, 3)];
  const cut = [matrix(5, columns, 0), matrix(4, columns, 5)];
  expect(matrixNorms(exact, cut).difference).toBe(0);
  const shifted = [matrix(9, columns, 1)];
  let difference = 0;
  let weights = 0;
  for (let i = 0; i < 9 * columns; i++) {
    difference += (Math.fround(Math.sin(i)) - Math.fround(Math.sin(i + columns))) ** 2;
    weights += Math.fround(Math.sin(i)) ** 2;
  }
  const norms = matrixNorms(exact, shifted);
  expect(norms.difference / difference).toBeCloseTo(1, 10);
  expect(norms.weights / weights).toBeCloseTo(1, 10);
});

test('what was lost of nothing is infinite; nothing of nothing is nothing', () => {
  const zeros: WeightError = {
    role: 'expert',
    layer: 0,
    projection: null,
    expert: 0,
    format: 'F32',
    parameters: 4,
    bitsPerWeight: 32,
    norms: { weights: 0, difference: 0 },
    relativeError: 0,
  };
  expect(summarizeErrors([zeros]).relativeError).toBe(0);
  expect(summarizeErrors([{ ...zeros, norms: { weights: 0, difference: 1 } }]).relativeError).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(summarizeErrors([])).toEqual({ parameters: 0, bitsPerWeight: 0, relativeError: 0 });
});
