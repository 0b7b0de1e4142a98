import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { klDivergence, logSumExp, quantile } from './distributions.js';

const row = fc.array(fc.float({ min: -80, max: 80, noNaN: true }), { minLength: 1, maxLength: 30 });
const rows = fc.integer({ min: 1, max: 30 }).chain((length) => {
  const one = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), {
    minLength: length,
    maxLength: length,
  });
  return fc.tuple(one, one);
});

/** Straight from the definition; safe where no power overflows. */
const softmax = (z: readonly number[]): number[] => {
  const powers = z.map((value) => Math.exp(value));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
};

const kl = (p: readonly number[], q: readonly number[]): number => {
  const [a, b] = [Float32Array.from(p), Float32Array.from(q)];
  return klDivergence(a, logSumExp(a), b, logSumExp(b));
};

describe('log sum exp', () => {
  test('is what the definition says', () => {
    fc.assert(
      fc.property(row, (z) => {
        const naive = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0));
        expect(logSumExp(Float32Array.from(z))).toBeCloseTo(naive, 10);
      }),
    );
  });

  test('neither overflows nor hides NaN', () => {
    expect(logSumExp(Float32Array.of(3e38, 3e38))).toBeCloseTo(Math.fround(3e38), -30);
    expect(logSumExp(Float32Array.of(-3e38, 0))).toBe(0);
    expect(logSumExp(Float32Array.of(1, Number.NaN))).toBeNaN();
    expect(logSumExp(Float32Array.of(Number.NaN, 1))).toBeNaN();
    expect(logSumExp(Float32Array.of(1, Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('KL divergence', () => {
  test('is the sum of p ln(p / q)', () => {
    fc.assert(
      fc.property(rows, ([a, b]) => {
        const [p, q] = [softmax(a), softmax(b)];
        const naive = p.reduce((sum, share, i) => sum + share * Math.log(share / (q[i] ?? Number.NaN)), 0);
        expect(Math.abs(kl(a, b) - naive)).toBeLessThan(1e-9 * (1 + naive));
      }),
    );
  });

  test('of a coin that is thought fair: ln 2 minus its entropy', () => {
    const p = 0.9;
    const entropy = -(p * Math.log(p) + (1 - p) * Math.log(1 - p));
    expect(kl([Math.log(p), Math.log(1 - p)], [0, 0])).toBeCloseTo(Math.LN2 - entropy, 7);
  });

  test('is 0 of a distribution from itself, whatever is added to its logits, and never below', () => {
    fc.assert(
      fc.property(rows, ([a, b]) => {
        expect(kl(a, a)).toBe(0);
        expect(kl(a, b)).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(kl([1, 2, 3], [5, 6, 7])).toBeCloseTo(0, 12);
  });

  test('is infinite where q rules out what p holds possible; p may rule out anything; NaN passes through', () => {
    const never = Number.NEGATIVE_INFINITY;
    expect(kl([0, 0], [0, never])).toBe(Number.POSITIVE_INFINITY);
    expect(kl([0, never], [0, 0])).toBeCloseTo(Math.LN2, 12);
    expect(kl([0, Number.NaN], [0, 0])).toBeNaN();
  });
});

test('quantiles as NumPy has them', () => {
  const sorted = Float64Array.of(1, 2, 4, 8);
  expect([0, 0.25, 0.5, 0.9, 1].map((share) => quantile(sorted, share))).toEqual([
    1, 1.75, 3, 6.800000000000001, 8,
  ]);
  expect(quantile(Float64Array.of(7), 0.99)).toBe(7);
});
