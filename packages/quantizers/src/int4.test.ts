import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Int4Options, int4 } from './int4.js';
import { weights } from './testkit/arbitrary.js';
import { hex, planeBytes } from './testkit/hex.js';

function quantized(row: Float32Array, options: Int4Options) {
  return int4(options).quantize(row, [1, row.length], { name: 'weight', dtype: 'F32' });
}

function squaredError(row: Float32Array, options: Int4Options): number {
  const values = int4(options).dequantize(quantized(row, options));
  return row.reduce((sum, weight, index) => sum + (weight - (values[index] as number)) ** 2, 0);
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
    fc.assert(
      fc.property(weights(200), (row) => {
        const values = int4(options).dequantize(quantized(row, options));
        const block = options.blockSize === 'row' ? Math.max(row.length, 1) : (options.blockSize ?? 32);
        row.forEach((weight, index) => {
          const part = row.subarray(index - (index % block), index - (index % block) + block);
          const high = Math.max(0, ...part);
          const low = Math.min(0, ...part);
          const step = options.symmetric ? Math.max(high, -low) / 7.5 : (high - low) / 15;
          // an integer zero point shifts the range by up to half a step, and the far end is cut off by as much
          const bound = step * (options.symmetric ? 0.5 : 1) * (1 + 1e-5) + 1e-44;
          if (step < 1e37) expect(Math.abs(weight - (values[index] as number))).toBeLessThanOrEqual(bound);
          else expect(values[index]).toSatisfy(Number.isFinite);
        });
      }),
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

  test('the search lowers the error of normal weights by a twentieth', () => {
    const random = () => Math.random() + Math.random() + Math.random() + Math.random() - 2;
    const row = Float32Array.from({ length: 1 << 15 }, random);
    expect(squaredError(row, { search: true })).toBeLessThan(0.95 * squaredError(row, {}));
  });

  test('refuses options that it does not have', () => {
    expect(() => int4({ blockSize: 48 } as never)).toThrow('expected one of 32, 64, 128, "row", found 48');
    expect(() => int4({ bits: 4 } as never)).toThrow(
      'expected only the keys symmetric, blockSize, search, found "bits"',
    );
  });
});
