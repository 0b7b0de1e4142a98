import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codebookLevels, type Levels } from './levels.js';

const levelsOf = ({ bytes }: Levels): number[] =>
  Array.from(
    { length: 16 },
    (_, code) => (((bytes[16 + code] as number) << 24) >> 16) | (bytes[code] as number),
  );

const numbers = (levels: Levels): number[] => levelsOf(levels).map((level) => levels.step * level);

const largestError = (values: Float32Array): number =>
  Math.max(
    ...numbers(codebookLevels(values) as Levels).map((number, i) => Math.abs(number - (values[i] as number))),
  );

const sixteen = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 16, maxLength: 16 });

test('levels fit 13 bits and miss no value by more than half of a 4095th of the largest', () => {
  fc.assert(
    fc.property(sixteen, (list) => {
      const values = Float32Array.from(list);
      const levels = codebookLevels(values);
      if (levels === null) return;
      expect(Math.max(...levelsOf(levels).map(Math.abs))).toBeLessThanOrEqual(4095);
      const largest = Math.max(...values.map(Math.abs));
      expect(largestError(values)).toBeLessThanOrEqual((0.5001 * largest) / 4095);
    }),
  );
});

test('values that are integers of some step are exact', () => {
  const iq4nl = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
  const fp4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
  for (const list of [iq4nl, [...fp4, ...fp4.map((value) => -value)]]) {
    expect(largestError(Float32Array.from(list))).toBeLessThan(1e-5);
  }
  expect(Math.max(...levelsOf(codebookLevels(Float32Array.from(iq4nl)) as Levels))).toBe(113);
});

test('a table of zeros has levels; one of too different sizes has none', () => {
  expect(codebookLevels(new Float32Array(16))?.step).toBe(0);
  expect(codebookLevels(Float32Array.from({ length: 16 }, (_, i) => 10 ** -i))).toBeNull();
});
