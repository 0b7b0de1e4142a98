import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorMeter, relativeError, squaredNorms } from './error-meter.js';

const matrix = { name: 'w', role: 'expert', format: 'nf4', bitsPerWeight: 4.5 } as const;

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

test('a role has the error of its matrices laid end to end', () => {
  const value = fc.float({ min: -10, max: 10, noNaN: true });
  const matrices = fc.array(fc.tuple(fc.array(value, { minLength: 1, maxLength: 20 }), fc.nat()), {
    minLength: 1,
  });
  fc.assert(
    fc.property(matrices, (cases) => {
      const meter = errorMeter();
      const weights: number[] = [];
      const decoded: number[] = [];
      for (const [values, seed] of cases) {
        const other = values.map((x, i) => Math.fround(x + ((seed + i) % 7) / 8));
        weights.push(...values);
        decoded.push(...other);
        meter.add(matrix, squaredNorms(Float32Array.from(values), Float32Array.from(other)));
      }
      const all = relativeError(squaredNorms(Float32Array.from(weights), Float32Array.from(decoded)));
      const ratio =
        all === 0 || !Number.isFinite(all)
          ? Number(meter.ofRole('expert') === all)
          : meter.ofRole('expert') / all;
      expect(ratio).toBeCloseTo(1, 12);
    }),
  );
});

test('keeps the worst, worst first, and only as many as asked', () => {
  const meter = errorMeter(3);
  for (const lost of [1, 5, 3, 2, 4]) {
    meter.add({ ...matrix, name: `w${lost}` }, { weights: 100, difference: lost * lost });
  }
  expect(meter.worst().map(({ name, relativeError }) => [name, relativeError])).toEqual([
    ['w5', 0.5],
    ['w4', 0.4],
    ['w3', 0.3],
  ]);
  expect(meter.ofRole('router')).toBe(0);
  expect(Object.keys(meter.byRole())).toEqual(['expert']);
});
