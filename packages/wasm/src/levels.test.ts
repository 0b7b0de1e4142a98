import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codebookLevels, type Levels } from './levels.js';

const numbers = ({ step, bytes }: Levels): number[] =>
  Array.from(
    { length: 16 },
    (_, code) => step * ((((bytes[16 + code] as number) << 24) >> 16) | (bytes[code] as number)),
  );

const sixteen = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 16, maxLength: 16 });

test('levels miss no value by more than half a step of a 8191st of the largest', () => {
  fc.assert(
    fc.property(sixteen, (list) => {
      const values = Float32Array.from(list);
      const levels = codebookLevels(values);
      if (levels === null) return;
      const largest = Math.max(...values.map(Math.abs));
      numbers(levels).forEach((number, code) => {
        expect(Math.abs(number - (values[code] as number))).toBeLessThanOrEqual((0.5001 * largest) / 8191);
      });
    }),
  );
});

test('all levels fit 14 bits', () => {
  const levels = codebookLevels(Float32Array.from({ length: 16 }, (_, i) => 1 - i / 7.5)) as Levels;
  const integers = numbers({ ...levels, step: 1 });
  expect(Math.max(...integers)).toBe(8191);
  expect(Math.min(...integers)).toBe(-8191);
});

test('a table of zeros has levels; one of too different sizes has none', () => {
  expect(codebookLevels(new Float32Array(16))?.step).toBe(0);
  expect(codebookLevels(Float32Array.from({ length: 16 }, (_, i) => 10 ** -i))).toBeNull();
});
