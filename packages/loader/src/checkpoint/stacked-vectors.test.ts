// Biases of all experts in one tensor [E, N]: two axes, and no matrix.
import type { Slot } from '@moeq/runtime';
import { fromFloat32, toFloat32 } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { plainTensor } from './checkpoint-tensor.js';
import { weightReader } from './weights.js';

const [experts, width] = [3, 4];
const values = Float32Array.from({ length: experts * width }, (_, i) => i / 4);
const data = fromFloat32(values, 'BF16');
const biases = {
  name: 'model.layers.0.mlp.experts.down_proj_bias',
  dtype: 'BF16' as const,
  shape: [experts, width],
  bytes: data.byteLength,
  file: 'model.safetensors',
  read: async () => ({ dtype: 'BF16' as const, shape: [experts, width], data }),
  readBytes: async (offset: number, length: number) => data.subarray(offset, offset + length),
};
const isMatrix = (slot: Slot, shape: number[], expert?: number) =>
  plainTensor({ ...biases, shape }, { slot, layer: 0, ...(expert !== undefined && { expert }) }, shape).facts
    .isMatrix;

test('what holds matrices follows from its place, not from its axes alone', () => {
  expect(isMatrix('expertDownBias', [3, 4])).toBe(false);
  expect(isMatrix('expertDownBias', [4], 1)).toBe(false);
  expect(isMatrix('expertDown', [3, 4, 8])).toBe(true);
  expect(isMatrix('expertDown', [4, 8], 1)).toBe(true);
  expect(isMatrix('router', [3, 4])).toBe(true);
  expect(isMatrix('mixerNorm', [4])).toBe(false);
  expect(isMatrix('convTaps', [4, 1, 3])).toBe(false);
});

test('an expert gets its row of them, as it is stored and past what happens to matrices', async () => {
  const tensor = plainTensor(biases, { slot: 'expertDownBias', layer: 0 }, biases.shape);
  const checkpoint = { name: 'biases', tensors: [tensor], decoder: { tiedHead: false } };
  const weights = weightReader(checkpoint, () => Promise.reject(new Error('a bias came by')));
  const row = await weights.read('expertDownBias', { layer: 0, expert: 1 });
  if (!('data' in row)) throw new Error('it is plain');
  expect(row.shape).toEqual([width]);
  expect(toFloat32(row.data, 'BF16')).toEqual(values.subarray(width, 2 * width));
});

test('a bias that lies as a row is a vector, and keeps its shape in the files', async () => {
  const row = {
    ...biases,
    shape: [1, 12],
    read: async () => ({ dtype: 'BF16' as const, shape: [1, 12], data }),
  };
  const tensor = plainTensor(row, { slot: 'correctionBias', layer: 0 }, [12]);
  expect([tensor.facts.shape, tensor.facts.isMatrix, (await tensor.read()).shape]).toEqual([
    [1, 12],
    false,
    [12],
  ]);
});
