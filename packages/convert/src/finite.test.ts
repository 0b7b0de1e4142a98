import { fromFloat32 } from '@moeq/tensors';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findNonFinite } from './finite.js';

const dtypes = ['F32', 'F16', 'BF16'] as const;

test.each(dtypes)('%s: all finite numbers pass, the largest and smallest included', (dtype) => {
  const largest = { F32: 3.4028234663852886e38, F16: 65504, BF16: 3.3895313892515355e38 }[dtype];
  const values = Float32Array.of(0, -0, 1, -1, largest, -largest, 1e-45, 2 ** -24);
  expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(-1);
});

test.each(dtypes)('%s: finds the first NaN or infinity wherever it is', (dtype) => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      (numbers, seed, bad) => {
        const at = seed % numbers.length;
        const values = Float32Array.from(numbers);
        values[at] = bad;
        expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(at);
      },
    ),
  );
});

test.each(dtypes)('%s: finds it in long tensors, and none where there is none', (dtype) => {
  const values = Float32Array.from({ length: 30_001 }, () => Math.random() - 0.5);
  expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(-1);
  for (const at of [30_000, 20_000, 8192, 8191, 4096, 0]) {
    values[at] = Number.NaN;
    expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(at);
  }
});

test('integers have no NaN', () => {
  expect(findNonFinite(new Uint8Array(8).fill(0xff), 'U8')).toBe(-1);
});
