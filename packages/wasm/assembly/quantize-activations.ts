// Activations to integers, a scale for each unit of 32 or 64 of them, once for all matrices that read them.
//   int8, for 4-bit codes: scale = max(largest / 127, largest quad / 256); a quad is the four elements whose products meet
//     in one 16-bit lane, so |levels up to 127| * 258 stays below 2^15. Elements lie as the codes' nibbles do: 16 that are
//     low nibbles, then the 16 high ones of the same bytes.
//   int16, for 8-bit codes: scale = largest / 32767, elements in order.
// Beside each scale goes scale * sum of the integers: what a constant added to every weight contributes.
//
// Shapes: T tokens, K columns, U units of a token, padded to a multiple of 4.

/** A quad may sum up to 256 before rounding, which adds at most half for each of four: 258 * 127 < 32768. */
const quadLimit: f32 = 256;

/** Scales below have no float32 reciprocal; their units count as zeros. NaN is not below. */
const smallest: f32 = 3e-38;

// @ts-ignore: decorator
@inline
function even(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

// @ts-ignore: decorator
@inline
function odd(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

// @ts-ignore: decorator
@inline
function lanesMax(v: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** The scale of one unit; NaN and infinity go through, so that they reach the result. */
// @ts-ignore: decorator
@inline
function unitScale8(x: usize, unit: u32, halves: bool): f32 {
  let largest = f32x4.splat(0);
  let quads = f32x4.splat(0);
  for (let at = x; at < x + (unit << 2); at += 128) {
    for (let part: usize = 0; part < 64; part += 32) {
      // pairs of lanes that meet in one 16-bit lane: neighbours of the low and of the high vector
      const a = f32x4.abs(v128.load(at + part));
      const b = f32x4.abs(v128.load(at + part, 16));
      const c = f32x4.abs(v128.load(at + part, 64));
      const d = f32x4.abs(v128.load(at + part, 80));
      largest = f32x4.max(largest, f32x4.max(f32x4.max(a, b), f32x4.max(c, d)));
      const ab = f32x4.add(even(a, b), odd(a, b)); // sums of two neighbours
      const cd = f32x4.add(even(c, d), odd(c, d));
      const sums = halves ? f32x4.add(ab, cd) : f32x4.add(even(ab, cd), odd(ab, cd));
      quads = f32x4.max(quads, sums);
    }
  }
  return max<f32>(lanesMax(largest) / 127, lanesMax(quads) / quadLimit);
}

/** Four numbers to 32-bit integers, nearest even. Out of range only where the scale is not finite. */
// @ts-ignore: decorator
@inline
function round(v: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v, inverse)));
}

// @ts-ignore: decorator
@inline
function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** 32 elements from `x` to 32 bytes at `out`; returns their sums in four lanes. */
// @ts-ignore: decorator
@inline
function quantize32(x: usize, out: usize, inverse: v128, order: u32): v128 {
  const a = round(v128.load(x), inverse);
  const b = round(v128.load(x, 16), inverse);
  const c = round(v128.load(x, 32), inverse);
  const d = round(v128.load(x, 48), inverse);
  const e = round(v128.load(x, 64), inverse);
  const f = round(v128.load(x, 80), inverse);
  const g = round(v128.load(x, 96), inverse);
  const h = round(v128.load(x, 112), inverse);
  const first = narrow(a, b, c, d);
  const second = narrow(e, f, g, h);
  if (order == 2) {
    v128.store(out, first);
    v128.store(out, second, 16);
  } else {
    const evens = i8x16.shuffle(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const odds = i8x16.shuffle(first, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    v128.store(out, order == 0 ? odds : evens);
    v128.store(out, order == 0 ? evens : odds, 16);
  }
  return i32x4.add(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)), i32x4.add(i32x4.add(e, f), i32x4.add(g, h)));
}

// @ts-ignore: decorator
@inline
function sum(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  );
}

/** Bytes of a token's scales: as many float32 as units, filled up to whole vectors. */
export function scalesStride(columns: u32, unit: u32): u32 {
  return ((columns / unit) * 4 + 15) & ~15;
}

// @ts-ignore: decorator
@inline
function fill(scales: usize, sums: usize, from: usize, to: usize): void {
  for (let at = from; at < to; at += 4) {
    store<f32>(scales + at, 0);
    store<f32>(sums + at, 0);
  }
}

/**
 * @param x Float32 [T, K]
 * @param order of the nibbles, as in Matrix
 * @param codes Int8 [T, K]
 * @param scales Float32 [T, U]
 * @param sums Float32 [T, U]
 */
export function quantize8(x: usize, tokens: u32, columns: u32, unit: u32, order: u32, codes: usize, scales: usize, sums: usize): void {
  const stride = scalesStride(columns, unit);
  for (let token: u32 = 0; token < tokens; token++) {
    let at: usize = 0;
    for (const end = x + (columns << 2); x < end; x += unit << 2) {
      const scale = order == 2 ? unitScale8(x, unit, true) : unitScale8(x, unit, false);
      const inverse = f32x4.splat(scale < smallest ? 0 : 1 / scale);
      let total = i32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 32, codes += 32) {
        total = i32x4.add(total, quantize32(x + (i << 2), codes, inverse, order));
      }
      store<f32>(scales + at, scale);
      store<f32>(sums + at, scale * <f32>sum(total));
      at += 4;
    }
    fill(scales, sums, at, stride);
    scales += stride;
    sums += stride;
  }
}

/**
 * @param x Float32 [T, K]
 * @param codes Int16 [T, K]
 * @param scales Float32 [T, U]
 * @param sums Float32 [T, U]
 */
export function quantize16(x: usize, tokens: u32, columns: u32, unit: u32, codes: usize, scales: usize, sums: usize): void {
  const stride = scalesStride(columns, unit);
  for (let token: u32 = 0; token < tokens; token++) {
    let at: usize = 0;
    for (const end = x + (columns << 2); x < end; ) {
      let largest = f32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 4) largest = f32x4.max(largest, f32x4.abs(v128.load(x + (i << 2))));
      const scale = lanesMax(largest) / 32767;
      const inverse = f32x4.splat(scale < smallest ? 0 : 1 / scale);
      let total = i32x4.splat(0);
      for (let i: u32 = 0; i < unit; i += 8, x += 32, codes += 16) {
        const a = round(v128.load(x), inverse);
        const b = round(v128.load(x, 16), inverse);
        v128.store(codes, i16x8.narrow_i32x4_s(a, b));
        total = i32x4.add(total, i32x4.add(a, b));
      }
      store<f32>(scales + at, scale);
      store<f32>(sums + at, scale * <f32>sum(total));
      at += 4;
    }
    fill(scales, sums, at, stride);
    scales += stride;
    sums += stride;
  }
}
