// Every code of every small float, against what V8 itself makes of binary16 and a float64 reference that searches the
// sorted numbers of the format for the nearest.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromFloat32, toFloat32 } from './convert.js';
import type { DType } from './dtype.js';

interface Case {
  readonly dtype: DType;
  readonly bits: 8 | 16;
  readonly bias: number;
  readonly mantissaBits: number;
  /** What a number that rounds past the largest becomes. */
  readonly overflow: number;
}

const cases: Case[] = [
  { dtype: 'F16', bits: 16, bias: 15, mantissaBits: 10, overflow: Number.POSITIVE_INFINITY },
  { dtype: 'BF16', bits: 16, bias: 127, mantissaBits: 7, overflow: Number.POSITIVE_INFINITY },
  { dtype: 'F8_E4M3', bits: 8, bias: 7, mantissaBits: 3, overflow: Number.NaN },
  { dtype: 'F8_E5M2', bits: 8, bias: 15, mantissaBits: 2, overflow: Number.POSITIVE_INFINITY },
];

/** The number of a positive code, computed as the definition says, in float64. */
function numberOf(code: number, { dtype, bits, bias, mantissaBits }: Case): number {
  const mantissa = code % 2 ** mantissaBits;
  const exponent = (code - mantissa) / 2 ** mantissaBits;
  const top = 2 ** (bits - 1 - mantissaBits) - 1;
  if (dtype === 'F8_E4M3') {
    if (code === 0x7f) return Number.NaN;
  } else if (exponent === top) return mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  const fraction = (exponent === 0 ? 0 : 2 ** mantissaBits) + mantissa;
  return fraction * 2 ** (Math.max(exponent, 1) - bias - mantissaBits);
}

/** Positive codes in order, those of finite numbers; the one past them is where the format would go on. */
function finiteCodes(format: Case): number[] {
  return Array.from({ length: 2 ** (format.bits - 1) }, (_, code) => code).filter((code) =>
    Number.isFinite(numberOf(code, format)),
  );
}

/** Nearest code of |x| by search, ties to the even code; null where x rounds past the largest number. */
function nearestCode(absolute: number, values: readonly number[]): number | null {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((values[middle] as number) <= absolute) low = middle;
    else high = middle - 1;
  }
  const below = values[low] as number;
  const step = (values[low] as number) - (values[low - 1] ?? 0);
  // past the largest number the format would go on with the same step
  const above = values[low + 1] ?? below + step;
  const middle = below + (above - below) / 2;
  const code = absolute > middle || (absolute === middle && low % 2 === 1) ? low + 1 : low;
  return code < values.length ? code : null;
}

const bytesOf = (codes: number[], bits: 8 | 16): Uint8Array =>
  bits === 8 ? Uint8Array.from(codes) : new Uint8Array(Uint16Array.from(codes).buffer);
const codesOf = (bytes: Uint8Array, bits: 8 | 16): number[] =>
  bits === 8 ? [...bytes] : [...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)];

/** The next float32 above or below a positive one. */
function neighbour(value: number, step: 1 | -1): number {
  const floats = Float32Array.of(value);
  const words = new Int32Array(floats.buffer);
  words[0] = (words[0] as number) + step;
  return floats[0] as number;
}

describe.each(cases)('$dtype', (format) => {
  const { dtype, bits } = format;
  const half = 2 ** (bits - 1);
  const values = finiteCodes(format).map((code) => numberOf(code, format));

  const expectNearest = (inputs: number[]): void => {
    const signed = inputs.flatMap((value) => [value, -value]);
    const codes = codesOf(fromFloat32(Float32Array.from(signed), dtype), bits);
    const misfits: object[] = [];
    signed.forEach((value, i) => {
      const nearest = Number.isFinite(value) ? nearestCode(Math.abs(value), values) : null;
      const sign = Object.is(Math.sign(value), -0) || value < 0 ? half : 0;
      const code = codes[i] as number;
      const fits =
        nearest !== null
          ? code === sign + nearest
          : Object.is(numberOf(code - sign, format), format.overflow);
      if (!fits) misfits.push({ value, code, nearest: nearest === null ? 'overflow' : sign + nearest });
    });
    expect(misfits).toEqual([]);
  };

  test('every code decodes to its number, sign of zero included', () => {
    const codes = Array.from({ length: 2 * half }, (_, code) => code);
    const decoded = toFloat32(bytesOf(codes, bits), dtype);
    const values = codes.map((code) => numberOf(code % half, format) * (code < half ? 1 : -1));
    expect(codes.filter((code) => !Object.is(decoded[code], values[code]))).toEqual([]);
  });

  test('every code survives decoding and encoding; NaN stays NaN with its sign and payload, made quiet', () => {
    const codes = Array.from({ length: 2 * half }, (_, code) => code);
    const again = codesOf(fromFloat32(toFloat32(bytesOf(codes, bits), dtype), dtype), bits);
    const quiet = dtype === 'F8_E4M3' ? 0 : 2 ** (format.mantissaBits - 1);
    for (const code of codes) {
      const isNaNCode = Number.isNaN(numberOf(code % half, format));
      expect(again[code]).toBe(isNaNCode ? code | quiet : code);
    }
  });

  test('every midpoint goes to the even code, and its neighbours in float32 to their sides', () => {
    const midpoints = values.flatMap((value, i) => {
      const next = values[i + 1] ?? value + (value - (values[i - 1] as number));
      const middle = value + (next - value) / 2;
      // the ends of bfloat16 lie where float32 has no numbers between
      if (!Number.isFinite(Math.fround(middle))) return [];
      return [middle, neighbour(middle, 1), neighbour(middle, -1)];
    });
    expect(midpoints.length).toBeGreaterThan(2 * values.length);
    expectNearest(midpoints);
  });

  test('law: any float32 goes to the nearest code', () => {
    const words = fc.uint32Array({ minLength: 1000, maxLength: 1000 });
    fc.assert(
      fc.property(words, (bitsOfFloats) => {
        const floats = [...new Float32Array(bitsOfFloats.slice().buffer)].filter(
          (value) => !Number.isNaN(value),
        );
        expectNearest(floats);
        // and numbers in the range of the format, which are rare among all float32
        expectNearest(
          [...bitsOfFloats].map((word) => Math.fround((word / 2 ** 32) * 2 ** ((word % 40) - 24))),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('infinity, NaN and zero', () => {
    const special = Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0);
    const decoded = [...toFloat32(fromFloat32(special, dtype), dtype)];
    const infinity = format.overflow;
    expect(decoded).toEqual([infinity, -infinity, Number.NaN, 0, -0]);
  });
});

// Node 22 does not have it yet
test.skipIf(!('getFloat16' in DataView.prototype))('F16 is the binary16 of the engine, both ways', () => {
  const view = new DataView(new ArrayBuffer(2)) as DataView & {
    getFloat16(offset: number): number;
    setFloat16(offset: number, value: number): void;
  };
  const codes = Array.from({ length: 65536 }, (_, code) => code);
  const decoded = toFloat32(bytesOf(codes, 16), 'F16');
  const numbers = codes.map((code) => {
    view.setUint16(0, code);
    return view.getFloat16(0);
  });
  expect(codes.filter((code) => !Object.is(decoded[code], numbers[code]))).toEqual([]);
  const floats = Float32Array.from(
    { length: 100_000 },
    () => (Math.random() - 0.5) * 2 ** (Math.random() * 50 - 30),
  );
  const encoded = codesOf(fromFloat32(floats, 'F16'), 16);
  const expected = [...floats].map((value) => {
    view.setFloat16(0, value);
    return view.getUint16(0);
  });
  expect(encoded).toEqual(expected);
});

test.each([
  // OCP 8-bit Floating Point Specification (OFP8) 1.0, tables 1 and 2
  ['F8_E4M3', 0x01, 2 ** -9],
  ['F8_E4M3', 0x07, 0.875 * 2 ** -6],
  ['F8_E4M3', 0x08, 2 ** -6],
  ['F8_E4M3', 0x7e, 448],
  ['F8_E5M2', 0x01, 2 ** -16],
  ['F8_E5M2', 0x03, 0.75 * 2 ** -14],
  ['F8_E5M2', 0x04, 2 ** -14],
  ['F8_E5M2', 0x7b, 57344],
] as const)('%s code %i is %d', (dtype, code, value) => {
  expect(toFloat32(Uint8Array.of(code), dtype)[0]).toBe(value);
  expect(fromFloat32(Float32Array.of(value), dtype)[0]).toBe(code);
});

test.each([
  // as torch.tensor(x).to(torch.float8_e4m3fn): 464 is halfway to the NaN code and goes back to 448
  ['F8_E4M3', 464, 448],
  ['F8_E4M3', 464.00003, Number.NaN],
  ['F8_E4M3', 500, Number.NaN],
  ['F8_E4M3', 1e30, Number.NaN],
  ['F8_E5M2', 61439, 57344],
  ['F8_E5M2', 61440, Number.POSITIVE_INFINITY],
  ['F16', 65519.996, 65504],
  ['F16', 65520, Number.POSITIVE_INFINITY],
  ['BF16', 3.4e38, Number.POSITIVE_INFINITY],
  ['BF16', 3.39e38, 3.3895313892515355e38],
  ['F16', 2 ** -25, 0],
  ['F16', 2 ** -25 * (1 + 2 ** -23), 2 ** -24],
] as const)('%s: %d becomes %d', (dtype, value, expected) => {
  expect(toFloat32(fromFloat32(Float32Array.of(value), dtype), dtype)[0]).toBe(expected);
});
