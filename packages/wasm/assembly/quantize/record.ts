// What encoding leaves behind of a block, one v128: its scale, and three sums in units of the scale from which the squared
// norms of the weights and of what was lost follow for whatever scale is stored in the end.
//   x = w / D, v = the code's number, d = x - v;   record = [scale, sum x x, sum d d, sum d v]
// D is the scale, or `floor` where the scale is below it.

import { sumLanes, swapHalves } from '../simd';

// @ts-ignore: decorator
@inline
export function writeRecord(at: usize, scale: f32, xx: v128, dd: v128, dv: v128): void {
  store<f32>(at, scale);
  store<f32>(at, sumLanes(xx), 4);
  store<f32>(at, sumLanes(dd), 8);
  store<f32>(at, sumLanes(dv), 12);
}

/** The largest magnitude of a block of float32 that zeros fill up to a whole vector; NaN counts as larger than all. */
// @ts-ignore: decorator
@inline
export function absmax(x: usize, end: usize): f32 {
  const mask = i32x4.splat(0x7fffffff);
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let at = x;
  for (; at + 32 <= end; at += 32) {
    a = i32x4.max_s(a, v128.and(v128.load(at), mask));
    b = i32x4.max_s(b, v128.and(v128.load(at, 16), mask));
  }
  for (; at < end; at += 16) a = i32x4.max_s(a, v128.and(v128.load(at), mask));
  a = i32x4.max_s(a, b);
  a = i32x4.max_s(a, swapHalves(a));
  return reinterpret<f32>(max<i32>(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)));
}
