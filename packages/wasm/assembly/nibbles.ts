// What the kernels of 4-bit codes share. Eight rows lie together (src/interleave.ts): of every 128 bytes, which hold 32 codes of
// each, 32 are four bytes of each row. Activations are repeated so that a row's sums stay in its own lanes.
//
// Affine codes are their own levels, 0 to 15, and meet activations of 8 bits: the products of 32 fit 16 bits. Codebooks have
// levels of 13 bits, of which a vector of codes gives two vectors, two rows each, and meet activations of 15 bits. All sums are exact
// integers, so their order is free.
//
// Loops are written out in the order in which registers are to be used: two tokens or two times four rows share what is
// loaded, and a kernel holds about as many vectors as there are registers.
import { dotBytes } from './simd';

/** Rows that lie together. */
export const together: u32 = 8;

/** The codes in the high nibbles. */
// @ts-ignore: decorator
@inline
export function upper(codes: v128, lowNibble: v128): v128 {
  return v128.and(i16x8.shr_u(codes, 4), lowNibble);
}

/** sums + activations * codes, bytes, in pairs. */
// @ts-ignore: decorator
@inline
export function addBytes(sums: v128, activations: v128, codes: v128): v128 {
  return i16x8.add(sums, dotBytes(activations, codes));
}

/** sums + activations * levels, 16 bits each, in pairs. */
// @ts-ignore: decorator
@inline
export function addWords(sums: v128, activations: v128, levels: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(activations, levels));
}

/** Four sums of pairs. */
// @ts-ignore: decorator
@inline
export function widen(sums: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(sums);
}

/** The sums of four rows, from two of each row. */
// @ts-ignore: decorator
@inline
export function joinRows(first: v128, last: v128): v128 {
  const even = i8x16.shuffle(first, last, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  const odd = i8x16.shuffle(first, last, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  return i32x4.add(even, odd);
}

/** total + S a dot, of a codebook's unit: scales of four rows and of the activations. */
// @ts-ignore: decorator
@inline
export function addUnit(total: v128, dot: v128, scale: v128, scales: usize): v128 {
  return f32x4.add(total, f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(dot), scale), v128.load(scales)));
}

/** a dot: 32 activations' share of an affine unit, to which more is added where it has 64. */
// @ts-ignore: decorator
@inline
export function addScaled(part: v128, dot: v128, scale: v128, unit: u32): v128 {
  const scaled = f32x4.mul(f32x4.convert_i32x4_s(dot), scale);
  return unit == 32 ? scaled : f32x4.add(part, scaled);
}

/**
 * total + S part + Z sum, of an affine unit.
 * @param sum of the activations, four times
 * @param scales of S and Z, as row-scales.ts writes them
 */
// @ts-ignore: decorator
@inline
export function addShifted(total: v128, part: v128, sum: v128, scales: usize): v128 {
  return f32x4.add(f32x4.add(total, f32x4.mul(part, v128.load(scales))), f32x4.mul(sum, v128.load(scales, 16)));
}

/** Writes the first `count` of four results. */
// @ts-ignore: decorator
@inline
function storeFour(out: usize, y: v128, count: u32): void {
  if (count >= 4) {
    v128.store(out, y);
    return;
  }
  store<f32>(out, f32x4.extract_lane(y, 0));
  if (count > 1) store<f32>(out, f32x4.extract_lane(y, 1), 4);
  if (count > 2) store<f32>(out, f32x4.extract_lane(y, 2), 8);
}

/** Writes the first `count` of eight results. */
// @ts-ignore: decorator
@inline
export function storeEight(out: usize, first: v128, second: v128, count: u32): void {
  storeFour(out, first, count);
  if (count > 4) storeFour(out + 16, second, count - 4);
}
