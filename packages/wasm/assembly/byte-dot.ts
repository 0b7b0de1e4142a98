// The inner loops over affine 4-bit codes: 0..15, against activations of 8 bits. Sixteen products with a code stay below
// 2^15, so those of a unit are added up in 16 bits, exactly, and widened once to four 32-bit partial sums.
import { dotBytes } from './simd';

/** 32 activations times the 32 codes of 16 bytes, in eight 16-bit sums. */
// @ts-ignore: decorator
@inline
function dot32(activations: usize, codes: v128, lowNibble: v128): v128 {
  const first = dotBytes(v128.load(activations), v128.and(codes, lowNibble));
  const second = dotBytes(v128.load(activations, 16), v128.and(i16x8.shr_u(codes, 4), lowNibble));
  return i16x8.add(first, second);
}

/** A unit of activations times its codes. */
// @ts-ignore: decorator
@inline
export function dotAffine4(activations: usize, codes: usize, lowNibble: v128, unit: u32): v128 {
  let dot = dot32(activations, v128.load(codes), lowNibble);
  if (unit == 64) dot = i16x8.add(dot, dot32(activations + 32, v128.load(codes, 16), lowNibble));
  return i32x4.extadd_pairwise_i16x8_s(dot);
}

/** The 32 codes of 16 bytes, a byte each, at `out`. */
// @ts-ignore: decorator
@inline
export function spreadCodes4(out: usize, codes: v128, lowNibble: v128): void {
  v128.store(out, v128.and(codes, lowNibble));
  v128.store(out, v128.and(i16x8.shr_u(codes, 4), lowNibble), 16);
}

/** A unit of activations times as many codes, spread. */
// @ts-ignore: decorator
@inline
export function dotSpread(activations: usize, codes: usize, unit: u32): v128 {
  let dot = i16x8.add(dotBytes(v128.load(activations), v128.load(codes)), dotBytes(v128.load(activations, 16), v128.load(codes, 16)));
  if (unit == 64) {
    const third = dotBytes(v128.load(activations, 32), v128.load(codes, 32));
    dot = i16x8.add(dot, i16x8.add(third, dotBytes(v128.load(activations, 48), v128.load(codes, 48))));
  }
  return i32x4.extadd_pairwise_i16x8_s(dot);
}
