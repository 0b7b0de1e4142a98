// Scale and zero of a block of 4-bit integers, packages/quantizers/src/affine-block.ts bit for bit. The search keeps its order
// of additions, and so its bits, by trying four candidates side by side instead of adding four elements at a time.
import { finiteScale } from './scale';

/** Of the block that was fitted last. */
export let fittedZero: u32 = 0;

const top: f64 = 15;
const middle: f64 = 8;

/** Fractions of the full range, the last one repeated to fill three groups of four: it cannot win twice. */
const ranges = memory.data<f64>([1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.65, 0.65], 16);
const candidates: u32 = 12;

let best: f64 = 0;
let bestScale: f64 = 0;

/**
 * @param x Float32, finite, zeros up to a whole vector
 * @returns the scale, 0 for a block of zeros
 */
export function fitBlock(x: usize, count: u32, symmetric: bool, search: bool): f32 {
  const end = x + (count << 2);
  let lows = i32x4.splat(0);
  let highs = i32x4.splat(0);
  for (let at = x; at < end; at += 16) {
    lows = f32x4.pmin(lows, v128.load(at));
    highs = f32x4.pmax(highs, v128.load(at));
  }
  const low: f64 = smallest(lows);
  const high: f64 = -(<f64>smallest(f32x4.neg(highs)));
  const step = (symmetric ? 2 * max<f64>(-low, high) : high - low) / top;
  const distance = symmetric ? middle : top;
  const scale = finiteScale(step, distance);
  const zero = symmetric ? middle : scale == 0 ? 0 : clamp(nearest<f64>(-low / step));
  fittedZero = <u32>zero;
  return search && scale > 0 ? finiteScale(searchScale(x, end, step, zero), distance) : scale;
}

// @ts-ignore: decorator
@inline
function smallest(v: v128): f32 {
  return min<f32>(
    min<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    min<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

// @ts-ignore: decorator
@inline
function clamp(code: f64): f64 {
  return code < 0 ? 0 : min<f64>(code, top);
}

function searchScale(x: usize, end: usize, step: f64, zero: f64): f64 {
  best = 0;
  bestScale = step;
  const zeros = f64x2.splat(zero);
  const bottom = f64x2.splat(0);
  const tops = f64x2.splat(top);
  for (let group: usize = ranges; group < ranges + candidates * 8; group += 32) {
    const first = f64x2.div(f64x2.splat(1), f64x2.mul(f64x2.splat(step), v128.load(group)));
    const second = f64x2.div(f64x2.splat(1), f64x2.mul(f64x2.splat(step), v128.load(group, 16)));
    let products1 = f64x2.splat(0);
    let products2 = f64x2.splat(0);
    let squares1 = f64x2.splat(0);
    let squares2 = f64x2.splat(0);
    for (let at = x; at < end; at += 4) {
      const weight = f64x2.splat(<f64>load<f32>(at));
      const code1 = f64x2.add(f64x2.nearest(f64x2.mul(weight, first)), zeros);
      const code2 = f64x2.add(f64x2.nearest(f64x2.mul(weight, second)), zeros);
      const distance1 = f64x2.sub(f64x2.pmin(f64x2.pmax(code1, bottom), tops), zeros);
      const distance2 = f64x2.sub(f64x2.pmin(f64x2.pmax(code2, bottom), tops), zeros);
      products1 = f64x2.add(products1, f64x2.mul(weight, distance1));
      products2 = f64x2.add(products2, f64x2.mul(weight, distance2));
      squares1 = f64x2.add(squares1, f64x2.mul(distance1, distance1));
      squares2 = f64x2.add(squares2, f64x2.mul(distance2, distance2));
    }
    consider(f64x2.extract_lane(products1, 0), f64x2.extract_lane(squares1, 0));
    consider(f64x2.extract_lane(products1, 1), f64x2.extract_lane(squares1, 1));
    consider(f64x2.extract_lane(products2, 0), f64x2.extract_lane(squares2, 0));
    consider(f64x2.extract_lane(products2, 1), f64x2.extract_lane(squares2, 1));
  }
  return bestScale;
}

function consider(products: f64, squares: f64): void {
  const gain = (products * products) / squares;
  if (!(gain > best)) return;
  best = gain;
  bestScale = products / squares;
}
