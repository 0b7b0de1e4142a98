// Activations to integers of 15 bits, a scale for each unit of 32 or 64 of them, once for all matrices that read them.
//   scale = largest / 16383, so that sixteen products with levels up to 8191 stay below 2^31
// That is a relative error of 2^-15 of the unit's largest: small against float16, so that results are those of float32
// for every practical purpose. Kernels of affine 4-bit codes take 8 bits instead, scale = largest / 127, as `Order.bytes`
// says.
//
// Elements lie as the kernels meet them. For 4-bit codes, 32 at a time: the 16 that are low nibbles of 16 bytes, then the
// 16 high ones. Beside each scale goes scale * sum of the integers: what a constant added to every weight contributes.
//
// Shapes: T tokens, K columns, U units of a token, padded to a multiple of 4.
import { maxLanes } from './simd';

/** 16383 * 8191 * 16 < 2^31 */
const largestInteger: f32 = 16383;

/** Of 8 bits, signed. */
const largestByte: f32 = 127;

/** Scales below have no float32 reciprocal; their units count as zeros. NaN is not below. */
const smallest: f32 = 3e-38;

/** How elements are to lie. */
export namespace Order {
  /** Pairs in a byte, the first in the high nibble. */
  export const highFirst: u32 = 0;
  /** Pairs in a byte, the first in the low nibble. */
  export const lowFirst: u32 = 1;
  /** As they come: halves of 32 in low and high nibbles, or 8-bit codes. */
  export const plain: u32 = 2;
  /** Added to one of these: integers of 8 bits, a byte each. */
  export const bytes: u32 = 4;
}

// @ts-ignore: decorator
@inline
function even(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29);
}

// @ts-ignore: decorator
@inline
function odd(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
}

/** Eight numbers to 16-bit integers, nearest even. */
// @ts-ignore: decorator
@inline
function quantize8(x: usize, inverse: v128): v128 {
  const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x), inverse)));
  const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(x, 16), inverse)));
  return i16x8.narrow_i32x4_s(low, high);
}

// @ts-ignore: decorator
@inline
function sum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** 32 integers, within a byte each, to 32 bytes. */
// @ts-ignore: decorator
@inline
function storeBytes(a: v128, b: v128, c: v128, d: v128, out: usize, order: u32): void {
  if (order == Order.plain) {
    v128.store(out, i8x16.narrow_i16x8_s(a, b));
    v128.store(out, i8x16.narrow_i16x8_s(c, d), 16);
  } else {
    const low: usize = order == Order.lowFirst ? 0 : 16;
    v128.store(out + low, i8x16.narrow_i16x8_s(even(a, b), even(c, d)));
    v128.store(out + (low ^ 16), i8x16.narrow_i16x8_s(odd(a, b), odd(c, d)));
  }
}

/** 32 elements from `x` to 64 bytes at `out`, or 32; returns their sums in four lanes. */
// @ts-ignore: decorator
@inline
function quantize32(x: usize, out: usize, inverse: v128, order: u32): v128 {
  const a = quantize8(x, inverse);
  const b = quantize8(x + 32, inverse);
  const c = quantize8(x + 64, inverse);
  const d = quantize8(x + 96, inverse);
  if ((order & Order.bytes) != 0) {
    storeBytes(a, b, c, d, out, order ^ Order.bytes);
  } else if (order == Order.plain) {
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
  } else {
    const low: usize = order == Order.lowFirst ? 0 : 32;
    v128.store(out + low, even(a, b));
    v128.store(out + low, even(c, d), 16);
    v128.store(out + (low ^ 32), odd(a, b));
    v128.store(out + (low ^ 32), odd(c, d), 16);
  }
  const first = i32x4.add(i32x4.extadd_pairwise_i16x8_s(a), i32x4.extadd_pairwise_i16x8_s(b));
  return i32x4.add(first, i32x4.add(i32x4.extadd_pairwise_i16x8_s(c), i32x4.extadd_pairwise_i16x8_s(d)));
}

/** Bytes of a token's scales: as many float32 as units, filled up to whole vectors. */
export function scalesStride(columns: u32, unit: u32): u32 {
  return ((columns / unit) * 4 + 15) & ~15;
}

/**
 * @param x Float32 [T, K]
 * @param codes Int16 [T, K]; of bytes the first K of every 2K
 * @param scales Float32 [T, U]
 * @param sums Float32 [T, U]
 */
export function quantize(x: usize, tokens: u32, columns: u32, unit: u32, order: u32, codes: usize, scales: usize, sums: usize): void {
  const stride = scalesStride(columns, unit);
  const isBytes = (order & Order.bytes) != 0;
  const most = isBytes ? largestByte : largestInteger;
  const step: usize = isBytes ? 32 : 64;
  for (let token: u32 = 0; token < tokens; token++) {
    let at: usize = 0;
    let to = codes + token * (columns << 1);
    for (const end = x + (columns << 2); x < end; x += unit << 2) {
      let largest = f32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 4) largest = f32x4.max(largest, f32x4.abs(v128.load(x + (i << 2))));
      // NaN and infinity go through, so that they reach the result
      const scale = maxLanes(largest) / most;
      const inverse = f32x4.splat(scale < smallest ? 0 : 1 / scale);
      let total = i32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 32, to += step) {
        total = i32x4.add(total, quantize32(x + (i << 2), to, inverse, order));
      }
      store<f32>(scales + at, scale);
      store<f32>(sums + at, scale * <f32>sum(total));
      at += 4;
    }
    for (; at < stride; at += 4) {
      store<f32>(scales + at, 0);
      store<f32>(sums + at, 0);
    }
    scales += stride;
    sums += stride;
  }
}
