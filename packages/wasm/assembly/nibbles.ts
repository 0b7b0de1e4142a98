// What the kernels of 4-bit codes share. Eight rows are interleaved (src/interleave.ts): of every 128 bytes, which hold 32 codes of
// each, 32 are four bytes of each row. Activations are the same in all lanes, so that a row's sums stay in its own.
//
// Affine codes are their own levels, 0 to 15, and multiplied with activations of 8 bits: the products of 32 fit 16 bits. Codebooks
// have bytes for levels (src/levels.ts), and activations of 7 bits of which every two have a multiplier: the sum of two
// products fits 16 bits, and times that multiplier goes to 32. All sums are exact integers, so their order is free.
//
// Loops are written out in the order in which registers are to be used: two tokens or two times four rows share what is
// loaded, and a kernel holds about as many vectors as there are registers.
import { Matrix, Scratch } from './matrix';
import { dotBytes, levelBias, lookUp, lowNibbles } from './simd';

/** Rows that are interleaved. */
export const interleavedRows: u32 = 8;

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

/** The levels of a codebook as `dotBytes` wants them. */
// @ts-ignore: decorator
@inline
export function levelTable(matrix: Matrix): v128 {
  return i8x16.sub(v128.load(matrix.levels), i8x16.splat(<i8>levelBias()));
}

/** sums + multipliers * activations * levels, two pairs of each of four rows. */
// @ts-ignore: decorator
@inline
export function addPairs(sums: v128, activations: v128, multipliers: v128, levels: v128): v128 {
  return i32x4.add(sums, i32x4.dot_i16x8_s(dotBytes(activations, levels), multipliers));
}

/** Tokens that spread rows are multiplied with before the next ones: their activations stay in the second-level cache. */
export const chunk: u32 = 32;

// @ts-ignore: decorator
@inline
function levelOf(code: v128, levels: v128, found: bool): v128 {
  return found ? lookUp(levels, code) : code;
}

/**
 * Writes codes to `Scratch.row`, a byte each: of every 32 bytes the low nibbles, then the high ones.
 * @param found whether their levels are found in `levels`, rather than being they themselves
 */
// @ts-ignore: decorator
@inline
export function spread(codes: usize, bytes: usize, levels: v128, found: bool): void {
  const lowNibble = v128.load(lowNibbles);
  let out = Scratch.row;
  for (const end = codes + bytes; codes != end; codes += 32, out += 64) {
    const c = v128.load(codes);
    const d = v128.load(codes, 16);
    v128.store(out, levelOf(v128.and(c, lowNibble), levels, found));
    v128.store(out, levelOf(v128.and(d, lowNibble), levels, found), 16);
    v128.store(out, levelOf(upper(c, lowNibble), levels, found), 32);
    v128.store(out, levelOf(upper(d, lowNibble), levels, found), 48);
  }
}

/** Four sums of pairs. */
// @ts-ignore: decorator
@inline
export function widen(sums: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_s(sums);
}

/** a dot */
// @ts-ignore: decorator
@inline
export function scaled(dot: v128, scale: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(dot), scale);
}

/** a dot: 32 activations' share of an affine unit, to which more is added where it has 64. */
// @ts-ignore: decorator
@inline
export function addScaled(part: v128, dot: v128, scale: v128, unit: u32): v128 {
  return unit == 32 ? scaled(dot, scale) : f32x4.add(part, scaled(dot, scale));
}

/**
 * total + S (part + sum), of a unit and four rows.
 * @param part of the sum of levels by activations, scaled
 * @param sum of the activations, times `offset`
 * @param scales S
 */
// @ts-ignore: decorator
@inline
export function addUnit(total: v128, part: v128, sum: v128, scales: v128): v128 {
  return f32x4.add(total, f32x4.mul(f32x4.add(part, sum), scales));
}

/** total + S part + Z sum: the same where units have what is added of their own. */
// @ts-ignore: decorator
@inline
export function addWithOffsets(total: v128, part: v128, sum: v128, scales: v128, offsets: v128): v128 {
  return f32x4.add(f32x4.add(total, f32x4.mul(part, scales)), f32x4.mul(sum, offsets));
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
