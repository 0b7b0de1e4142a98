import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatBytes, formatCount } from './format.js';

test('bytes have three digits and a decimal unit', () => {
  const cases: readonly [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9994, '9.99 kB'],
    [9996, '10.0 kB'],
    [99_960, '100 kB'],
    [999_600, '1.00 MB'],
    [25_088_712, '25.1 MB'],
    [1.4e12, '1.40 TB'],
    [5e18, '5000 PB'],
  ];
  for (const [bytes, text] of cases) expect(formatBytes(bytes), String(bytes)).toBe(text);
  expect(formatCount(12_544_256)).toBe('12.5 M');
  expect(formatCount(256)).toBe('256');
  expect(formatCount(12_544_256, ['', 'k', 'million'])).toBe('12.5 million');
});

test('what is printed is the number to within half a digit', () => {
  const factors = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 } as const;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 52 }), (bytes) => {
      const [digits = '', unit = ''] = formatBytes(bytes).split(' ');
      const factor = Object.entries(factors).find(([name]) => name === unit)?.[1] ?? Number.NaN;
      expect(Math.abs(Number(digits) * factor - bytes) / bytes).toBeLessThanOrEqual(0.00501);
      expect(digits.replace('.', '').length).toBeLessThanOrEqual(4);
    }),
  );
});
