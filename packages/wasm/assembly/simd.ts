// The few primitives that differ between relaxed and plain SIMD, and what every kernel needs. Both forms give the same
// bits: relaxed operations are used only where the proposal defines one result (swizzle indices below 16, a right operand
// of the dot from 0 to 127, sums that fit 16 bits).
//
// V8 builds a SIMD constant anew at each use inside a loop, so kernels load constants from memory, once.

/** 16 bytes of 0x0f. */
export const lowNibbles: usize = memory.data<u8>([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15], 16);
/** Eight 16-bit ones. */
export const ones16: usize = memory.data<u16>([1, 1, 1, 1, 1, 1, 1, 1], 16);

/** table[index], indices 0 to 15. */
// @ts-ignore: decorator
@inline
export function lookUp(table: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, indices);
  return i8x16.swizzle(table, indices);
}

/** i16x8: a[2i] * b[2i] + a[2i+1] * b[2i+1] of signed bytes a and bytes b from 0 to 127. */
// @ts-ignore: decorator
@inline
export function dotPairs(a: v128, b: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b);
  const even = i16x8.mul(i16x8.shr_s(i16x8.shl(a, 8), 8), i16x8.shr_u(i16x8.shl(b, 8), 8));
  return i16x8.add(even, i16x8.mul(i16x8.shr_s(a, 8), i16x8.shr_u(b, 8)));
}

/** The four lanes added: (0 + 2) + (1 + 3). */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const halves = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(halves, 0) + f32x4.extract_lane(halves, 1);
}

// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  const halves = f32x4.max(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return max<f32>(f32x4.extract_lane(halves, 0), f32x4.extract_lane(halves, 1));
}

/** Four lanes, each the float32 at `address`. */
// @ts-ignore: decorator
@inline
export function splat(address: usize): v128 {
  return v128.load_splat<u32>(address);
}
