// Integers from and to float32. 64-bit ones go through float64, which holds 53 bits: rounding twice would be wrong near
// ties, so what is beyond 53 bits is folded into the last kept bit first ("round to odd"), which keeps every tie a tie.
import type { DType } from './dtype.js';
import { MoeqError } from './errors.js';

/** Adding and taking away 1.5 * 2^52 rounds |x| < 2^51 to an integer, half to even. */
const roundingMagic = 1.5 * 2 ** 52;

/** Inclusive ends; those of 64 bits are not float64 numbers and are compared as if open. */
const ranges = {
  U8: [0, 2 ** 8 - 1],
  I8: [-(2 ** 7), 2 ** 7 - 1],
  U16: [0, 2 ** 16 - 1],
  I16: [-(2 ** 15), 2 ** 15 - 1],
  U32: [0, 2 ** 32 - 1],
  I32: [-(2 ** 31), 2 ** 31 - 1],
} as const satisfies Partial<Record<DType, readonly [number, number]>>;

function rejectNaN(dtype: DType, index: number): never {
  throw new MoeqError({
    operation: `convert F32 to ${dtype}`,
    subject: `element ${index}`,
    expected: 'a number',
    found: 'NaN',
  });
}

type IntegerArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

/** Rounds half to even, stops at the ends of the dtype. @throws MoeqError on NaN */
export function fromInteger(values: Float32Array, out: IntegerArray, dtype: keyof typeof ranges): void {
  const [low, high] = ranges[dtype];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isNaN(value)) rejectNaN(dtype, i);
    out[i] = value <= low ? low : value >= high ? high : value + roundingMagic - roundingMagic;
  }
}

/** Rounds half to even, stops at the ends of the dtype. @throws MoeqError on NaN */
export function fromInteger64(
  values: Float32Array,
  out: BigUint64Array | BigInt64Array,
  dtype: 'U64' | 'I64',
): void {
  const low = dtype === 'U64' ? 0 : -(2 ** 63);
  const end = dtype === 'U64' ? 2 ** 64 : 2 ** 63;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (Number.isNaN(value)) rejectNaN(dtype, i);
    // from 2^23 on a float32 is an integer
    const rounded = Math.abs(value) < 2 ** 23 ? value + roundingMagic - roundingMagic : value;
    out[i] = rounded >= end ? BigInt(end) - 1n : BigInt(Math.max(low, rounded));
  }
}

/**
 * 64-bit integers, rounded once to float32.
 * @param low the words of the elements as unsigned numbers
 * @param high the same words, signed for I64
 */
export function toInteger64(low: Uint32Array, high: Uint32Array | Int32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) {
    const upper = high[2 * i + 1] as number;
    let lower = low[2 * i] as number;
    const beyond53Bits = upper >= 2 ** 21 || upper < -(2 ** 21);
    if (beyond53Bits && (lower & 0x7ff) !== 0) lower = ((lower & ~0x7ff) | 0x800) >>> 0;
    out[i] = upper * 2 ** 32 + lower;
  }
}
