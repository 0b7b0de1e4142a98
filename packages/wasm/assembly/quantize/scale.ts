// What the integer formats do to scales, and the float16 that LLM.int8 makes of bfloat16 weights.

/** 2^-149, the least float32: the unit of sums where a scale is 0. */
export const least: f32 = 1.401298464324817e-45;

/** 2^-25: half of the least float16, which it rounds to 0; the unit of sums where a row vanishes in float16. */
export const flushed: f32 = 2.9802322387695312e-8;

/** No bfloat16 lies between it and what float16 rounds to infinity. */
export const largestFloat16: f32 = 65504;

/** The float32 nearest to x that, times `levels`, is still finite. */
export function finiteScale(x: f64, levels: f64): f32 {
  const scale = <f32>x;
  if (<f64>scale * levels <= <f64>f32.MAX_VALUE) return scale;
  return <f32>((<f64>f32.MAX_VALUE / levels) * (1 - 1.1920928955078125e-7));
}

/**
 * Four bfloat16, widened, rounded to float16, widened. Normal float16 holds each of them as it is; below 2^-14 the adder
 * rounds to multiples of 2^-24; 65536 and above stay what they are, which is beyond float16.
 */
// @ts-ignore: decorator
@inline
export function toFloat16(v: v128): v128 {
  const sign = v128.and(v, i32x4.splat(0x80000000));
  const magnitude = v128.andnot(v, i32x4.splat(0x80000000));
  const rounded = f32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), f32x4.splat(0.5));
  const small = f32x4.lt(magnitude, f32x4.splat(0.00006103515625));
  return v128.or(v128.bitselect(rounded, magnitude, small), sign);
}
