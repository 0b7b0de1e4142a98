import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freshSeed, seededRandom, xoshiro128 } from './random.js';

describe('xoshiro128', () => {
  test('gives the numbers of the reference implementation (as in the tests of the Rust crate rand_xoshiro)', () => {
    const next = xoshiro128([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, next)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });
});

describe('seededRandom', () => {
  const draw = (seed: number, stream?: number) => Array.from({ length: 8 }, seededRandom(seed, stream));

  test('a seed and a stream repeat, others differ', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (seed, other) => {
        expect(draw(seed)).toEqual(draw(seed, 0));
        expect(draw(seed, 1)).not.toEqual(draw(seed));
        expect(draw((seed + 2 ** 32) % 2 ** 53)).not.toEqual(draw(seed));
        if (seed !== other) expect(draw(other)).not.toEqual(draw(seed));
      }),
    );
  });

  test('uniform in [0, 1): mean, variance and 64 cells', () => {
    for (const seed of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const count = 64_000;
      const values = Array.from({ length: count }, seededRandom(seed));
      expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
      const cells = new Array<number>(64).fill(0);
      for (const value of values) cells[Math.floor(value * 64)] = (cells[Math.floor(value * 64)] ?? 0) + 1;
      const chiSquare = cells.reduce((sum, cell) => sum + (cell - 1000) ** 2 / 1000, 0);
      // 63 degrees of freedom: above 120 or below 27 once in 100,000.
      expect(chiSquare).toBeLessThan(120);
      expect(chiSquare).toBeGreaterThan(27);
      expect(values.reduce((sum, value) => sum + value, 0) / count).toBeCloseTo(0.5, 2);
    }
  });
});

test('fresh seeds are 32-bit integers and differ', () => {
  const seeds = Array.from({ length: 20 }, freshSeed);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  expect(new Set(seeds).size).toBeGreaterThan(15);
});
