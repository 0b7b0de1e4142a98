// Activations to integers, once for all matrices that read them. For 4-bit codes they lie as the kernels read them, those of low
// nibbles before those of high ones, bytes four times over, with what else the kernels want among them.
//
// Affine 4-bit codes are multiplied with bytes, scale = largest / 127 of 32, as in llama.cpp; 8-bit codes with words of 15 bits,
// scale = largest / 16383 of a unit of 32 or 64: a relative error of 2^-15 of the largest, so that results are those of
// float32 for every practical purpose; codebooks with pairs: activation-pairs.ts. scale * sum of the integers of a unit is what
// a constant added to every weight contributes.
//
// Shapes: T tokens, K columns, U units of a token, padded to a multiple of 4.
import { firstHalves, lastHalves, swapHalves } from './simd';

/** 64 products with integers of 8 bits stay below 2^31. */
const largestWord: f32 = 16383;

/** Of 8 bits, signed. */
const largestByte: f32 = 127;

/** Scales below have no float32 reciprocal; their units count as zeros. NaN is not below. */
export const smallest: f32 = 3e-38;

/** Integers of 8 bits that have a scale of their own, whatever the unit: it is the error of these that results show. */
const byteUnit: u32 = 32;

/** In which order 4-bit codes lie. */
export enum Order {
  /** Pairs in a byte, the first in the high nibble. */
  highFirst = 0,
  /** Pairs, the first in the low nibble. */
  lowFirst = 1,
  /** Halves of 32 in low and high nibbles. */
  splitHalves = 2,
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
export function sum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Four bytes of each in turn, four times: 128 bytes. */
// @ts-ignore: decorator
@inline
function storeFourTimes(low: v128, high: v128, out: usize): void {
  v128.store(out, i8x16.shuffle(low, low, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3));
  v128.store(out, i8x16.shuffle(high, high, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), 16);
  v128.store(out, i8x16.shuffle(low, low, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), 32);
  v128.store(out, i8x16.shuffle(high, high, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7), 48);
  v128.store(out, i8x16.shuffle(low, low, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11), 64);
  v128.store(out, i8x16.shuffle(high, high, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11), 80);
  v128.store(out, i8x16.shuffle(low, low, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15), 96);
  v128.store(out, i8x16.shuffle(high, high, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15), 112);
}

/** 32 words to 64 bytes, as they come. */
// @ts-ignore: decorator
@inline
function storePlain(a: v128, b: v128, c: v128, d: v128, out: usize): void {
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

/** 32 integers, within a byte each, to 128 bytes for affine codes. */
// @ts-ignore: decorator
@inline
function storeBytes(a: v128, b: v128, c: v128, d: v128, out: usize, order: u32): void {
  if (order == Order.splitHalves) {
    storeFourTimes(i8x16.narrow_i16x8_s(a, b), i8x16.narrow_i16x8_s(c, d), out);
    return;
  }
  const evens = i8x16.narrow_i16x8_s(even(a, b), even(c, d));
  const odds = i8x16.narrow_i16x8_s(odd(a, b), odd(c, d));
  if (order == Order.lowFirst) storeFourTimes(evens, odds, out);
  else storeFourTimes(odds, evens, out);
}

/** In four lanes. */
// @ts-ignore: decorator
@inline
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const first = i32x4.add(i32x4.extadd_pairwise_i16x8_s(a), i32x4.extadd_pairwise_i16x8_s(b));
  return i32x4.add(first, i32x4.add(i32x4.extadd_pairwise_i16x8_s(c), i32x4.extadd_pairwise_i16x8_s(d)));
}

/** Bytes of a token that `quantizeBytes` writes. */
export function bytesStride(columns: u32, unit: u32): u32 {
  return (columns << 2) + (columns / byteUnit + columns / unit) * 16;
}

/** Bytes of a token's scales: as many float32 as units, filled up to whole vectors. */
export function scalesStride(columns: u32, unit: u32): u32 {
  return ((columns / unit) * 4 + 15) & ~15;
}

/** The largest of a unit divided by `most`: what an integer counts. NaN and infinity go through, to reach the result. */
// @ts-ignore: decorator
@inline
export function scaleOf(x: usize, unit: u32, most: f32): f32 {
  // without their signs float32 are in the order of their bits, and NaN comes last
  let largest = i32x4.splat(0);
  for (const end = x + (unit << 2); x < end; x += 32) {
    largest = i32x4.max_u(largest, i32x4.max_u(i32x4.shl(v128.load(x), 1), i32x4.shl(v128.load(x, 16), 1)));
  }
  largest = i32x4.max_u(largest, swapHalves(largest));
  const bits = max<u32>(i32x4.extract_lane(largest, 0), i32x4.extract_lane(largest, 1));
  return reinterpret<f32>(bits >> 1) / most;
}

// @ts-ignore: decorator
@inline
export function inverseOf(scale: f32): f32 {
  return scale < smallest ? 0 : 1 / scale;
}

/**
 * For 8-bit codes.
 * @param x Float32 [T, K]
 * @param out Int16 [T, K]
 * @param scales Float32 [T, U]
 * @param sums Float32 [T, U]
 */
export function quantizePlain(x: usize, tokens: u32, columns: u32, unit: u32, out: usize, scales: usize, sums: usize): void {
  const stride = scalesStride(columns, unit);
  for (let token: u32 = 0; token < tokens; token++) {
    let at: usize = 0;
    for (const end = x + (columns << 2); x < end; ) {
      const scale = scaleOf(x, unit, largestWord);
      const inverse = f32x4.splat(inverseOf(scale));
      let total = i32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 32, x += 128, out += 64) {
        const a = quantize8(x, inverse);
        const b = quantize8(x + 32, inverse);
        const c = quantize8(x + 64, inverse);
        const d = quantize8(x + 96, inverse);
        storePlain(a, b, c, d, out);
        total = i32x4.add(total, sumsOf(a, b, c, d));
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

/**
 * For 4-bit affine codes.
 * @param x Float32 [T, K]
 * @param out of each unit, for each 32 of it, Int8 [8, 4, 4], every four integers four times, and their scale, Float32 [4];
 *   then scale * sum of the unit, Float32 [4]
 */
export function quantizeBytes(x: usize, tokens: u32, columns: u32, unit: u32, order: u32, out: usize): void {
  for (const end = x + <usize>tokens * (columns << 2); x < end; out += 16) {
    let total: f32 = 0;
    for (let i: u32 = 0; i < unit; i += byteUnit, x += 128, out += 144) {
      const scale = scaleOf(x, byteUnit, largestByte);
      const inverse = f32x4.splat(inverseOf(scale));
      const a = quantize8(x, inverse);
      const b = quantize8(x + 32, inverse);
      const c = quantize8(x + 64, inverse);
      const d = quantize8(x + 96, inverse);
      storeBytes(a, b, c, d, out, order);
      total += scale * <f32>sum(sumsOf(a, b, c, d));
      v128.store(out, f32x4.splat(scale), 128);
    }
    v128.store(out, f32x4.splat(total));
  }
}
