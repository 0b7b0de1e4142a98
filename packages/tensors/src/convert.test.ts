import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromFloat32, toFloat32 } from './convert.js';
import { bytesPerElement, type DType, dtypes } from './dtype.js';

const roundTrip = (dtype: DType, ...values: number[]): number[] => [
  ...toFloat32(fromFloat32(Float32Array.from(values), dtype), dtype),
];

describe('addresses and sizes', () => {
  test.each(dtypes)('%s converts at any address, in place of a given output', (dtype) => {
    const size = bytesPerElement(dtype);
    const values = Float32Array.of(1, 0, 1, 1, 0.5, 64);
    const expected = fromFloat32(values, dtype);
    for (let shift = 0; shift < 8; shift++) {
      const room = new Uint8Array(100).fill(0xee).subarray(shift, shift + values.length * size);
      expect(fromFloat32(values, dtype, room)).toBe(room);
      expect(room).toEqual(expected);
      const out = new Float32Array(20).subarray(3, 9);
      expect(toFloat32(room, dtype, out)).toBe(out);
      expect(out).toEqual(toFloat32(expected, dtype));
    }
  });

  test('a Node Buffer at an odd address is read, not viewed', () => {
    const buffer = Buffer.from([0, 0, 0x80, 0x3f]).subarray(1, 3);
    expect(toFloat32(buffer, 'BF16')[0]).toBe(toFloat32(Uint8Array.of(0, 0x80), 'BF16')[0]);
  });

  test.each(dtypes)('%s of nothing is nothing', (dtype) => {
    expect(toFloat32(new Uint8Array(0), dtype)).toHaveLength(0);
    expect(fromFloat32(new Float32Array(0), dtype)).toHaveLength(0);
  });

  test('outputs of another length and torn elements are refused', () => {
    expect(() => toFloat32(new Uint8Array(5), 'F32')).toThrow(
      'cannot convert F32 to F32: expected 4 bytes, found 5',
    );
    expect(() => toFloat32(new Uint8Array(4), 'F16', new Float32Array(3))).toThrow(
      '2 elements of room, found 3',
    );
    expect(() => fromFloat32(new Float32Array(2), 'F16', new Uint8Array(3))).toThrow(
      '4 bytes of room, found 3',
    );
  });
});

describe('F32 and F64', () => {
  test('F32 keeps every bit, NaN payloads included', () => {
    const bits = Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 0x00000001, 0x7f7fffff);
    const bytes = new Uint8Array(bits.buffer);
    expect(fromFloat32(toFloat32(bytes, 'F32'), 'F32')).toEqual(bytes);
  });

  test('law: F64 holds every float32 and is rounded to the nearest', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        const bytes = new Uint8Array(Float64Array.of(value).buffer);
        expect(toFloat32(bytes, 'F64')[0]).toBe(Math.fround(value));
      }),
    );
    fc.assert(
      fc.property(fc.float(), (value) => {
        expect(roundTrip('F64', value)).toEqual([value]);
      }),
    );
  });
});

describe('F8_E8M0', () => {
  test('every code is its power of two, 255 NaN', () => {
    const values = toFloat32(
      Uint8Array.from({ length: 256 }, (_, code) => code),
      'F8_E8M0',
    );
    values.forEach((value, code) => {
      expect(value).toBe(code === 255 ? Number.NaN : 2 ** (code - 127));
    });
    expect([...fromFloat32(values, 'F8_E8M0')]).toEqual([...Array(256).keys()]);
  });

  test('the nearest power, ties to the larger; what it cannot hold is NaN, zero the smallest', () => {
    expect(roundTrip('F8_E8M0', 1.49999, 1.5, 3, 2.9999, 2 ** 127 * 1.4)).toEqual([1, 2, 4, 2, 2 ** 127]);
    expect(roundTrip('F8_E8M0', 0, -0, 2 ** -140, 2 ** -127 * 1.49, 2 ** -127 * 1.5)).toEqual([
      2 ** -127,
      2 ** -127,
      2 ** -127,
      2 ** -127,
      2 ** -126,
    ]);
    expect(roundTrip('F8_E8M0', -1, 2 ** 127 * 1.5, Number.POSITIVE_INFINITY, Number.NaN)).toEqual(
      Array(4).fill(Number.NaN),
    );
  });
});

describe('integers', () => {
  const ends = {
    U8: [0, 255],
    I8: [-128, 127],
    U16: [0, 65535],
    I16: [-32768, 32767],
    U32: [0, 2 ** 32 - 1],
    I32: [-(2 ** 31), 2 ** 31 - 1],
    U64: [0, 2 ** 64],
    I64: [-(2 ** 63), 2 ** 63],
  } as const;

  test.each(Object.entries(ends))('%s rounds half to even and stops at its ends', (name, [low, high]) => {
    const dtype = name as DType;
    expect(roundTrip(dtype, 0.5, 1.5, 2.5, 3.49, 100)).toEqual([0, 2, 2, 3, 100]);
    const huge = roundTrip(dtype, 1e30, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect(huge).toEqual([high, low, high, low].map(Math.fround));
    if (low < 0) expect(roundTrip(dtype, -0.5, -1.5, -2.5)).toEqual([-0, -2, -2].map((value) => value + 0));
    else expect(roundTrip(dtype, -1)).toEqual([0]);
    expect(() => fromFloat32(Float32Array.of(1, Number.NaN), dtype)).toThrow(
      `element 1: cannot convert F32 to ${dtype}: expected a number, found NaN`,
    );
  });

  test('the ends themselves, in bytes', () => {
    expect([...fromFloat32(Float32Array.of(1e30, -1e30), 'I64')]).toEqual([
      ...Array(7).fill(0xff),
      0x7f,
      ...Array(7).fill(0),
      0x80,
    ]);
    expect([...fromFloat32(Float32Array.of(1e30), 'U64')]).toEqual(Array(8).fill(0xff));
    expect([...fromFloat32(Float32Array.of(1e30), 'U32')]).toEqual(Array(4).fill(0xff));
  });

  /** The float32 nearest to an integer, ties to even, in integer arithmetic. */
  function nearestFloat32(value: bigint): number {
    const absolute = value < 0n ? -value : value;
    const shift = BigInt(Math.max(0, absolute.toString(2).length - 24));
    let kept = absolute >> shift;
    const rest = absolute - (kept << shift);
    const half = shift === 0n ? 0n : 1n << (shift - 1n);
    if (rest > half || (rest === half && shift > 0n && kept % 2n === 1n)) kept += 1n;
    return Number(kept) * 2 ** Number(shift) * (value < 0n ? -1 : 1);
  }

  test('law: 64-bit integers are rounded once', () => {
    const near = (power: bigint) => fc.bigInt({ min: -5n, max: 5n }).map((delta) => (1n << power) + delta);
    const tie = fc
      .integer({ min: 26, max: 61 })
      .chain((power) =>
        fc
          .bigInt({ min: -2n, max: 2n })
          .map((delta) => (1n << BigInt(power)) + (1n << BigInt(power - 24)) + delta),
      );
    const positive = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), near(53n), near(62n), tie);
    fc.assert(
      fc.property(positive, (value) => {
        expect(toFloat32(new Uint8Array(BigUint64Array.of(value).buffer), 'U64')[0]).toBe(
          nearestFloat32(value),
        );
        expect(toFloat32(new Uint8Array(BigInt64Array.of(value).buffer), 'I64')[0]).toBe(
          nearestFloat32(value),
        );
        expect(toFloat32(new Uint8Array(BigInt64Array.of(-value).buffer), 'I64')[0]).toBe(
          nearestFloat32(-value) + 0,
        );
        const large = value + (1n << 63n);
        expect(toFloat32(new Uint8Array(BigUint64Array.of(large).buffer), 'U64')[0]).toBe(
          nearestFloat32(large),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('law: integers that float32 holds survive', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 24), max: 2 ** 24 }), (value) => {
        for (const dtype of ['I32', 'I64'] as const) expect(roundTrip(dtype, value)).toEqual([value]);
        for (const dtype of ['U32', 'U64'] as const)
          expect(roundTrip(dtype, Math.abs(value))).toEqual([Math.abs(value)]);
      }),
    );
  });

  test('BOOL is 1 for all but zero', () => {
    expect(roundTrip('BOOL', 0, -0, 1, -3, 0.1, Number.NaN)).toEqual([0, 0, 1, 1, 1, 1]);
    expect([...toFloat32(Uint8Array.of(0, 1, 7), 'BOOL')]).toEqual([0, 1, 1]);
  });
});

test('a dtype that is carried and never read as numbers has none', () => {
  expect(() => toFloat32(new Uint8Array(8), 'C64')).toThrow(
    'cannot convert C64 to F32: expected a dtype of real numbers, found C64',
  );
  expect(() => fromFloat32(new Float32Array(1), 'F4')).toThrow('cannot convert F32 to F4');
});
