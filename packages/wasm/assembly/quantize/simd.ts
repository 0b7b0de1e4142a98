// Shuffles that several kernels are made of, and the operations that relaxed SIMD has in one instruction: a swizzle and a
// truncation where they are defined alike everywhere, and multiply-add for sums that only a report reads. Codes are therefore
// the same with and without it.

import { swapHalves } from '../simd';

export { lookUp } from '../simd';

/** a0 b0 a1 b1 …, of bytes. */
// @ts-ignore: decorator
@inline
export function interleaveLow(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
export function interleaveHigh(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** a * b + c, rounded once or twice. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Four float32 within 32 bits to integers, rounded towards zero. */
// @ts-ignore: decorator
@inline
export function truncate(v: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_trunc_f32x4_s(v);
  return i32x4.trunc_sat_f32x4_s(v);
}

/** a0 b0 a1 b1 …, of pairs of bytes. */
// @ts-ignore: decorator
@inline
export function interleavePairsLow(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
}

// @ts-ignore: decorator
@inline
export function interleavePairsHigh(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
}

/** 1.5 * 2^23: a float32 of this size has no fraction bits left; an integer added to it appears in the low bits. */
const noFraction: f32 = 12582912;

/** Four float32 that are integers from -128 to 255 to four bytes, in lane 0. */
// @ts-ignore: decorator
@inline
export function toBytes(v: v128): v128 {
  const bits = f32x4.add(v, f32x4.splat(noFraction));
  return i8x16.shuffle(bits, bits, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
}

/** The largest of four integers. */
// @ts-ignore: decorator
@inline
export function largestLane(v: v128): i32 {
  const pairs = i32x4.max_s(v, swapHalves(v));
  return max<i32>(i32x4.extract_lane(pairs, 0), i32x4.extract_lane(pairs, 1));
}
