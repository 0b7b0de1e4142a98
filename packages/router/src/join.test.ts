import { expect, test } from 'vitest';
import { joinRoutings } from './join.js';

const part = (tokens: number, from: number) => ({
  tokens,
  expertsPerToken: 2,
  expertIndices: Int32Array.from({ length: 2 * tokens }, (_, i) => from + i),
  expertWeights: Float32Array.from({ length: 2 * tokens }, (_, i) => (from + i) / 8),
});

test('consecutive parts, in their order', () => {
  expect(joinRoutings([part(2, 0), part(0, 4), part(1, 4)])).toEqual(part(3, 0));
});

test('one is itself, none is null', () => {
  const only = part(2, 0);
  expect(joinRoutings([only])).toBe(only);
  expect(joinRoutings([])).toBeNull();
});
