import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Int4Options, int4 } from './int4.js';
import { largestFloat } from './rounding.js';
import { weights } from './testkit/arbitrary.js';
import { hex, planeBytes } from './testkit/hex.js';

function quantized(row: Float32Array, options: Int4Options) {
  return int4(options).quantize(row, [1, row.length], { name: 'weight', dtype: 'F32' });
}

function squaredError(row: Float32Array, options: Int4Options): number {
  const values = int4(options).dequantize(quantized(row, options));
  return row.reduce((sum, weight, index) => sum + (weight - (values[index] as number)) ** 2, 0);
}

/** Normal weights, the same on every run: Box and Muller's transform of a hash of their places. */
function normalRow(length: number): Float32Array {
  const uniform = (place: number): number => {
    let hash = Math.imul(place, 0x9e3779b9);
    hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
    hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
    return (((hash ^ (hash >>> 15)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float32Array.from(
    { length },
    (_, i) => Math.sqrt(-2 * Math.log(uniform(2 * i + 1))) * Math.cos(2 * Math.PI * uniform(2 * i + 2)),
  );
}

/** The least squared error of a block under any of 400 symmetric scales. */
function leastError(block: Float32Array): number {
  const full = Math.max(...block.map(Math.abs)) / 7.5;
  const errors = Array.from({ length: 400 }, (_, index) => {
    const scale = full * (0.5 + index / 500);
    return block.reduce((sum, weight) => {
      const code = Math.min(7, Math.max(-8, Math.round(weight / scale)));
      return sum + (weight - code * scale) ** 2;
    }, 0);
  });
  return Math.min(...errors);
}

const choices: Int4Options[] = [true, false].flatMap((symmetric) =>
  ([32, 64, 128, 'row'] as const).map((blockSize) => ({ symmetric, blockSize })),
);

describe('int4', () => {
  test('symmetric: the example of compressed-tensors', () => {
    const tensor = quantized(Float32Array.of(0.75, -1.5, 0.3, -0.05), {});
    expect(hex(planeBytes(tensor, 'codes'))).toBe('0c8a');
    const values = int4().dequantize(tensor);
    [0.8, -1.6, 0.4, 0].forEach((value, index) => {
      expect(values[index]).toBeCloseTo(value, 6);
    });
  });

  test('asymmetric: 15 steps from min to max, zero among them', () => {
    const tensor = quantized(Float32Array.of(-1, 2, 0, 0.5), { symmetric: false });
    expect([...planeBytes(tensor, 'zeroPoints')]).toEqual([5]);
    expect(hex(planeBytes(tensor, 'codes'))).toBe('f075');
    const positive = quantized(Float32Array.of(3, 1, 2, 1.5), { symmetric: false });
    expect([...planeBytes(positive, 'zeroPoints')]).toEqual([0]);
  });

  test.each(choices)('%j: is within half a step of every weight', (options) => {
    // the scale is held back where it times the largest distance would not be a float32
    const distance = options.symmetric ? 8 : 15;
    const huge = [largestFloat, -largestFloat, 0.97 * largestFloat, 1, 0, 1e37];
    fc.assert(
      fc.property(weights(200), (row) => {
        const values = int4(options).dequantize(quantized(row, options));
        const block = options.blockSize === 'row' ? Math.max(row.length, 1) : (options.blockSize ?? 32);
        row.forEach((weight, index) => {
          const part = row.subarray(index - (index % block), index - (index % block) + block);
          const high = Math.max(0, ...part);
          const low = Math.min(0, ...part);
          const step = options.symmetric ? Math.max(high, -low) / 7.5 : (high - low) / 15;
          const heldBack = Math.max(0, step - largestFloat / distance);
          // a scale that is subnormal is off by up to half of the least float32
          const rounding = 1e-5 * step + distance * 2 ** -150;
          const bound = step / 2 + distance * heldBack + rounding;
          expect(Math.abs(weight - (values[index] as number))).toBeLessThanOrEqual(bound);
        });
      }),
      { examples: [[Float32Array.from(huge)], [Float32Array.from(huge.slice(1))], [Float32Array.of(-3e38)]] },
    );
  });

  test.each(choices)('%j: codes are the nearest to each weight for the stored scale', (options) => {
    fc.assert(
      fc.property(weights(150), fc.boolean(), (row, search) => {
        const tensor = quantized(row, { ...options, search });
        const values = int4(options).dequantize(tensor);
        const block = tensor.layout?.blockSize ?? 1;
        const scales = new Float32Array(planeBytes(tensor, 'scales').slice().buffer);
        row.forEach((weight, index) => {
          const at = Math.floor(index / block);
          const scale = scales[at] as number;
          const zero = options.symmetric ? 8 : (planeBytes(tensor, 'zeroPoints')[at] as number);
          const distances = Array.from({ length: 16 }, (_, code) => Math.abs((code - zero) * scale - weight));
          const found = Math.abs((values[index] as number) - weight);
          expect(found).toBeLessThanOrEqual(Math.min(...distances) + 1e-6 * Math.abs(15 * scale) + 1e-44);
        });
      }),
    );
  });

  test.each(choices)('%j: the search never does worse', (options) => {
    fc.assert(
      fc.property(weights(200), (row) => {
        const scaled = row.map((weight) =>
          Math.abs(weight) < 1e-15 || Math.abs(weight) > 1e15 ? 0 : weight,
        );
        const power = scaled.reduce((sum, weight) => sum + weight ** 2, 0);
        const plain = squaredError(scaled, options);
        expect(squaredError(scaled, { ...options, search: true })).toBeLessThanOrEqual(
          plain * (1 + 1e-5) + 1e-12 * power,
        );
      }),
    );
  });

  test('on normal weights the search lowers the error by a tenth, to within 0.5 % of the best of 400 scales a block', () => {
    const row = normalRow(1 << 13);
    const searched = squaredError(row, { search: true });
    expect(searched).toBeLessThan(0.9 * squaredError(row, {}));
    let best = 0;
    for (let first = 0; first < row.length; first += 32) best += leastError(row.subarray(first, first + 32));
    expect(searched).toBeLessThan(1.005 * best);
    expect(searched).toBeGreaterThanOrEqual(0.995 * best);
  });

  test('refuses options that it does not have', () => {
    expect(() => int4({ blockSize: 48 } as never)).toThrow('expected one of 32, 64, 128, "row", found 48');
    expect(() => int4({ bits: 4 } as never)).toThrow(
      'expected only the keys symmetric, blockSize, search, found "bits"',
    );
  });
});
