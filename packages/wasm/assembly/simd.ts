// The one primitive that differs between relaxed and plain SIMD, and what every kernel needs. Both forms give the same bits:
// indices of the relaxed swizzle stay below 16 or above 127, where it has one meaning.
//
// V8 builds a SIMD constant anew at each use inside a loop, so kernels load constants from memory, once.

/** 16 bytes of 0x0f. */
export const lowNibbles: usize = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15], 16);

/** 8 words of 0x00ff. */
export const lowBytes: usize = memory.data<u8>([255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0], 16);

/** table[index], indices 0 to 15; 0 for indices of 128 and more. */
// @ts-ignore: decorator
@inline
export function lookUp(table: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, indices);
  return i8x16.swizzle(table, indices);
}

/** Four lanes, each the first of `v`. */
// @ts-ignore: decorator
@inline
export function lane0(v: v128): v128 {
  return i8x16.shuffle(v, v, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

/** The second. */
// @ts-ignore: decorator
@inline
export function lane1(v: v128): v128 {
  return i8x16.shuffle(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
}

/** The third. */
// @ts-ignore: decorator
@inline
export function lane2(v: v128): v128 {
  return i8x16.shuffle(v, v, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
}

/** The last. */
// @ts-ignore: decorator
@inline
export function lane3(v: v128): v128 {
  return i8x16.shuffle(v, v, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
}

/** The last two lanes, then the first two. */
// @ts-ignore: decorator
@inline
export function swapHalves(v: v128): v128 {
  return i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

/** The four lanes added: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const halves = f32x4.add(v, swapHalves(v));
  return f32x4.extract_lane(halves, 0) + f32x4.extract_lane(halves, 1);
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  const halves = f32x4.max(v, swapHalves(v));
  return max<f32>(f32x4.extract_lane(halves, 0), f32x4.extract_lane(halves, 1));
}

/** Four lanes, each the float32 at `address`. */
// @ts-ignore: decorator
@inline
export function splat(address: usize): v128 {
  return v128.load_splat<u32>(address);
}

/** 32-bit lanes of both in turn: the first two of each. */
// @ts-ignore: decorator
@inline
export function zipFirst(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}

/** The last two of each. */
// @ts-ignore: decorator
@inline
export function zipLast(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}

/** The first halves of both. */
// @ts-ignore: decorator
@inline
export function firstHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

/** The last halves. */
// @ts-ignore: decorator
@inline
export function lastHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/** Stores the transpose of four vectors of four lanes, 64 bytes. */
// @ts-ignore: decorator
@inline
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, out: usize): void {
  const first = zipFirst(a, b);
  const second = zipFirst(c, d);
  const third = zipLast(a, b);
  const fourth = zipLast(c, d);
  v128.store(out, firstHalves(first, second));
  v128.store(out, lastHalves(first, second), 16);
  v128.store(out, firstHalves(third, fourth), 32);
  v128.store(out, lastHalves(third, fourth), 48);
}

/**
 * Eight sums of two products: signed bytes times bytes of 0 to 127; or of 0 to 255, less `levelBias()`, where the sums fit.
 */
// @ts-ignore: decorator
@inline
export function dotBytes(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b);
  const even = i16x8.mul(i16x8.shr_s(i16x8.shl(a, 8), 8), v128.and(b, i16x8.splat(255)));
  return i16x8.add(even, i16x8.mul(i16x8.shr_s(a, 8), i16x8.shr_u(b, 8)));
}

/**
 * What relaxed SIMD leaves open: second operands above 127 count as they are on x86, 256 less on Arm. There kernels multiply
 * bytes that are 128 less instead, and add that again, so that results are the same integers.
 * @returns 0 or 128
 */
export function levelBias(): i32 {
  // from memory, for no compiler to decide it
  return i16x8.extract_lane_s(dotBytes(v128.load(lowNibbles), v128.load(lowBytes)), 0) > 0 ? 0 : 128;
}
