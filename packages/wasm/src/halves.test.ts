// Weights of binary16: every bit pattern is the number that it stands for, and what one token gives is what it gives beside others.

import type { Backend } from '@moeq/kernels';
import { seededRandom } from '@moeq/kernels/conformance';
import { fromFloat32, toFloat32 } from '@moeq/tensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBackend } from './wasm-backend.js';

describe.each([
  { threads: 1, simd: 'plain', shared: true },
  { threads: 2, simd: 'relaxed', shared: true },
] as const)('$simd SIMD, threads: $threads', (options) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await startBackend(options);
  });
  afterAll(() => backend.destroy());

  const halves = (shape: readonly number[], data: Uint8Array) => ({ dtype: 'F16', shape, data }) as const;

  test('all bit patterns', async () => {
    const data = new Uint8Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer);
    const table = await backend.loadWeight([halves([2 ** 12, 16], data)]);
    const ids = Int32Array.from({ length: 2 ** 12 }, (_, row) => row);
    const found = await backend.step(async (step) => step.read(step.embed(table, ids)));
    expect(found).toEqual(toFloat32(data, 'F16'));
    backend.release(table);
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN, 6e-8])(
    'one token with a weight of %d',
    async (special) => {
      const random = seededRandom('halves');
      const [rows, columns] = [33, 40];
      const weights = random.normals(rows * columns);
      weights[7 * columns + 5] = special;
      const matrix = await backend.loadWeight([halves([rows, columns], fromFloat32(weights, 'F16'))]);
      const inputs = random.normals(2 * columns);
      const multiply = (tokens: number) =>
        backend.step(async (step) =>
          step.read(step.linear(step.input(inputs.subarray(0, tokens * columns), tokens), matrix)),
        );
      const one = await multiply(1);
      expect(one).toEqual((await multiply(2)).subarray(0, rows));
      expect(Number.isFinite(one[7])).toBe(Number.isFinite(special));
      backend.release(matrix);
    },
  );
});
