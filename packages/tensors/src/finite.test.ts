import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromFloat32 } from './convert.js';
import { assertFinite, findNonFinite } from './finite.js';

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
  // Weyl's sequence: spread over [-0.5, 0.5), the same in each run
  const values = Float32Array.from({ length: 30_001 }, (_, i) => ((i * 0.6180339887) % 1) - 0.5);
  expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(-1);
  for (const at of [30_000, 20_000, 8192, 8191, 4096, 0]) {
    values[at] = Number.NaN;
    expect(findNonFinite(fromFloat32(values, dtype), dtype)).toBe(at);
  }
});

test('integers have no NaN', () => {
  expect(findNonFinite(new Uint8Array(8).fill(0xff), 'U8')).toBe(-1);
});

test('assertFinite names the tensor, the value and its place, by element or by the indices of the shape', () => {
  const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const place = { operation: 'quantize', subject: 'layers.0.w1' };
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })),
      bad,
      fc.nat(),
      (list, value, seed) => {
        expect(() => assertFinite(Float32Array.from(list), place)).not.toThrow();
        const index = seed % (list.length + 1);
        const broken = Float32Array.from([...list.slice(0, index), value, ...list.slice(index)]);
        expect(() => assertFinite(broken, place)).toThrow(
          `"layers.0.w1": cannot quantize: expected finite weights, found ${value} at element ${index}`,
        );
      },
    ),
  );
  const halves = fromFloat32(Float32Array.of(1, 2, 3, Number.NaN), 'F16');
  expect(() => assertFinite(halves, { ...place, shape: [2, 3, 4], first: 12 }, 'F16')).toThrow(
    'found NaN at [1, 0, 3]',
  );
});
