import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bar, formatSeconds, formatShare } from './format.js';

test('seconds become minutes and hours without ever saying 60', () => {
  expect([0, 59.94, 59.96, 72, 3599.6, 7500].map(formatSeconds)).toEqual([
    '0.0 s',
    '59.9 s',
    '1 min 00 s',
    '1 min 12 s',
    '1 h 00 min',
    '2 h 05 min',
  ]);
});

test('a share is 100 % only when it is all of it', () => {
  expect([0, 1e-9, 0.0005, 0.5, 0.9995, 1].map(formatShare)).toEqual([
    '0 %',
    '< 0.1 %',
    '< 0.1 %',
    '50.0 %',
    '> 99.9 %',
    '100 %',
  ]);
});

test('a bar is as long as its share, to an eighth', () => {
  expect(bar(0, 10)).toBe('');
  expect(bar(1e-6, 10)).toBe('▏');
  expect(bar(0.5, 10)).toBe('█████');
  expect(bar(0.55, 10)).toBe('█████▌');
  expect(bar(2, 10)).toBe('██████████');
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 80 }),
      (share, width) => {
        const length = bar(share, width).length;
        expect(Math.abs(length - share * width)).toBeLessThanOrEqual(1);
        expect(length).toBeLessThanOrEqual(width);
      },
    ),
  );
});
