// What encoding leaves behind of a block, one v128: its scale, and three sums in units of the scale from which the squared
// norms of the weights and of what was lost follow for whatever scale is stored in the end.
//   x = w / D, v = the code's number, d = x - v;   record = [scale, sum x x, sum d d, sum d v]
// D is the scale, or `floor` where the scale is below it.

import { firstHalves, lastHalves, zipFirst, zipLast } from '../simd';
import { largestLane } from './simd';

/** @param unit what the sums are multiplied by */
// @ts-ignore: decorator
@inline
export function writeRecord(at: usize, scale: f32, xx: v128, dd: v128, dv: v128, unit: f32 = 1): void {
  const zero = i32x4.splat(0);
  const first = f32x4.add(zipFirst(zero, xx), zipLast(zero, xx));
  const second = f32x4.add(zipFirst(dd, dv), zipLast(dd, dv));
  const sums = f32x4.mul(f32x4.add(firstHalves(first, second), lastHalves(first, second)), f32x4.splat(unit));
  v128.store(at, f32x4.replace_lane(sums, 0, scale));
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
  return reinterpret<f32>(largestLane(i32x4.max_s(a, b)));
}
