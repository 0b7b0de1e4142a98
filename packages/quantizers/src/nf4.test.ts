import { describe, expect, test } from 'vitest';
import { doubleQuant } from './double-quant.js';
import { fp4 } from './fp4.js';
import { nf4, nf4Values } from './nf4.js';
import { hex, planeBytes, sha256 } from './testkit/hex.js';
import { lcg1024 } from './testkit/lcg1024.js';

const context = { name: 'weight', dtype: 'F32' } as const;

function quantized(quantizer: ReturnType<typeof nf4>, weights: readonly number[] | Float32Array, rows = 1) {
  return quantizer.quantize(Float32Array.from(weights), [rows, weights.length / rows], context);
}

describe('nf4', () => {
  test.each([
    [[1, -0.5, 0.25, 0], 'f2a7'],
    [[1, -0.5, 0.25], 'f2a7'],
    [[-3, 1.5, 0.3, -0], '0c87'],
  ])('%j -> %s', (weights, codes) => {
    expect(hex(planeBytes(quantized(nf4(), weights), 'codes'))).toBe(codes);
  });

  test('lcg1024', () => {
    const tensor = quantized(nf4(), lcg1024(), 16);
    expect(hex(planeBytes(tensor, 'codes').subarray(0, 16))).toBe('247c04d80a259e2fe3b821031c942df1');
    expect(sha256(planeBytes(tensor, 'codes'))).toBe(
      'f0bf6a96e6a05104fc88c73655bf529c405e5dfc09f00647035a801d5cc514b6',
    );
    expect(sha256(planeBytes(tensor, 'scales'))).toBe(
      '25db13a2ae29ccb5dc0ceb61c126bdef014ee93591015a4b5b104b14ff3c8e58',
    );
  });

  test('lcg1024, double-quantized', () => {
    const tensor = quantized(doubleQuant(nf4()), lcg1024(), 16);
    expect([...planeBytes(tensor, 'scales')]).toEqual([
      56, 199, 0, 200, 54, 168, 209, 203, 208, 199, 206, 205, 16, 210, 49, 59,
    ]);
    const number = (name: string) => new Float32Array(planeBytes(tensor, name).buffer)[0] ?? NaN;
    expect(Math.abs(number('scalesNested') / 0.0011831000447273254 - 1)).toBeLessThan(1e-5);
    expect(Math.abs(number('scalesOffset') / 0.06203380227088928 - 1)).toBeLessThan(1e-6);
  });

  test('thresholds are those of the CUDA kernel: a weight on one takes the lower code', () => {
    const thresholds = [
      -0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544,
      -0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767,
      0.1202552504837513, 0.2035212516784668, 0.2920137718319893, 0.3893125355243683, 0.5016634166240692,
      0.6427869200706482, 0.8614784181118011,
    ];
    const next = (x: number) => {
      const bits = new Int32Array(Float32Array.of(x).buffer);
      bits[0] = (bits[0] as number) + (x > 0 ? 1 : -1);
      return new Float32Array(bits.buffer)[0] as number;
    };
    for (const [code, threshold] of thresholds.entries()) {
      const [at = 0, above = 0] = planeBytes(quantized(nf4(), [threshold, next(threshold), 1, 0]), 'codes');
      expect([at >> 4, at & 15, above >> 4]).toEqual([code, code + 1, 15]);
    }
  });

  test('every value of the table is its own code', () => {
    const tensor = quantized(nf4(), nf4Values);
    expect(hex(planeBytes(tensor, 'codes'))).toBe('0123456789abcdef');
    expect(nf4().dequantize(tensor)).toEqual(nf4Values);
  });

  test('subnormal blocks come back finite and no larger than they were', () => {
    const tiny = Math.fround(3e-41);
    for (const count of [64, 10]) {
      const weights = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? tiny : -tiny));
      const values = nf4().dequantize(quantized(nf4(), weights));
      expect(values.every((value) => Number.isFinite(value) && Math.abs(value) <= tiny)).toBe(true);
    }
  });

  test('the largest float32 come back finite', () => {
    const huge = 3.4028234663852886e38;
    const values = nf4().dequantize(quantized(nf4(), [huge, -huge, huge / 2, 1]));
    expect([...values.subarray(0, 2)]).toEqual([huge, -huge]);
  });

  test('refuses options that it does not have', () => {
    expect(() => nf4({ blocksize: 64 } as never)).toThrow(
      'nf4: cannot read options: expected only the keys blockSize, found "blocksize"',
    );
    expect(() => nf4({ blockSize: 48 } as never)).toThrow(
      'expected one of 32, 64, 128, 256, 512, 1024, 2048, 4096, found 48',
    );
  });
});

describe('fp4', () => {
  test.each([
    [[1, -0.5, 0.25, 0], '3d70'],
    [[-3, 1.5, 0.3, -0], 'b560'],
  ])('%j -> %s', (weights, codes) => {
    expect(hex(planeBytes(quantized(fp4(), weights), 'codes'))).toBe(codes);
  });

  test('lcg1024, but for the two zeros, which bitsandbytes itself writes differently on CPU and GPU', () => {
    const codes = [...planeBytes(quantized(fp4(), lcg1024(), 16), 'codes')];
    expect(hex(Uint8Array.from(codes.slice(0, 16)))).toBe('df14bf56b7de62d32c41dabca56fd53a');
  });
});
