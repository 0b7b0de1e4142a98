import { expect, test } from 'vitest';
import { relativeError, squaredNorms } from './squared-norms.js';

test('a hand-made case: (3, 4) became (3, 1)', () => {
  const norms = squaredNorms(Float32Array.of(3, 4), Float32Array.of(3, 1));
  expect(norms).toEqual({ weights: 25, difference: 9 });
  expect(relativeError(norms)).toBe(0.6);
});

test('zeros that stay zeros lost nothing; zeros that did not have no finite error', () => {
  const zeros = new Float32Array(4);
  expect(relativeError(squaredNorms(zeros, zeros))).toBe(0);
  expect(relativeError(squaredNorms(zeros, Float32Array.of(0, 0, 0, 1)))).toBe(Number.POSITIVE_INFINITY);
  expect(relativeError(squaredNorms(new Float32Array(0), new Float32Array(0)))).toBe(0);
});
