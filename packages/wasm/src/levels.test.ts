import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codebookLevels, type Levels } from './levels.js';

const nf4 = [
  -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];
const iq4nl = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

const rms = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);

const misses = (values: Float32Array, { step, offset, bytes }: Levels): Float32Array =>
  values.map((value, code) => value - (step * (bytes[code] as number) + offset));

describe('levels of a codebook', () => {
  test.each([
    ['NF4', nf4, 0.0026],
    ['IQ4_NL', iq4nl, 1e-7],
    ['MXFP4', [...e2m1, ...e2m1.map((value) => -value)], 1e-7],
    ['signed integers', Array.from({ length: 16 }, (_, code) => (code < 8 ? code : code - 16)), 1e-7],
    ['one number', Array.from({ length: 16 }, () => 3.5), 1e-7],
    ['zeros', Array.from({ length: 16 }, () => 0), 0],
  ])('%s', (_, list, allowed) => {
    const values = Float32Array.from(list);
    const levels = codebookLevels(values) as Levels;
    expect(rms(misses(values, levels))).toBeLessThanOrEqual(allowed * rms(values));
    expect(levels.step).toBeGreaterThan(0);
  });

  test('no number is missed by more than a 255th of what they span', () => {
    const sixteen = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(sixteen, (list) => {
        const values = Float32Array.from(list);
        const levels = codebookLevels(values);
        if (levels === null) return;
        const span = Math.max(...values) - Math.min(...values);
        expect(Math.max(...misses(values, levels).map(Math.abs))).toBeLessThanOrEqual(span / 255 + 1e-6);
      }),
      { numRuns: 30 },
    );
  });

  test('one of too different sizes has none', () => {
    expect(codebookLevels(Float32Array.from({ length: 16 }, (_, i) => 10 ** -i))).toBeNull();
  });
});
