// The inner loops over codes: 64 or 32 weights of a row against the quantized activations of one token. All sums are
// exact integers, so their order is free; what comes back are four 32-bit partial sums.
import { Kernel } from './matrix';
import { dotPairs, lookUp } from './simd';

/** Constants held in registers. */
// @ts-ignore: decorator
@inline
export function low4(codes: v128, lowNibble: v128, levels: v128, kernel: u32): v128 {
  const low = v128.and(codes, lowNibble);
  return kernel == Kernel.codebook4 ? lookUp(levels, low) : low;
}

// @ts-ignore: decorator
@inline
export function high4(codes: v128, lowNibble: v128, levels: v128, kernel: u32): v128 {
  const high = v128.and(i16x8.shr_u(codes, 4), lowNibble);
  return kernel == Kernel.codebook4 ? lookUp(levels, high) : high;
}

/** Activations [32] of a low and a high vector; quads fit 16 bits. */
// @ts-ignore: decorator
@inline
function quad(activations: usize, low: v128, high: v128): v128 {
  return i16x8.add(dotPairs(v128.load(activations), low), dotPairs(v128.load(activations, 16), high));
}

/** 64 int8 activations and levels from 0 to 127. Of affine codes up to 15, eight products fit 16 bits. */
// @ts-ignore: decorator
@inline
export function dot64(activations: usize, a: v128, b: v128, c: v128, d: v128, ones: v128, kernel: u32): v128 {
  const first = quad(activations, a, b);
  const second = quad(activations + 32, c, d);
  if (kernel == Kernel.affine4) return i32x4.dot_i16x8_s(i16x8.add(first, second), ones);
  return i32x4.add(i32x4.dot_i16x8_s(first, ones), i32x4.dot_i16x8_s(second, ones));
}

/** 32 int8 activations and levels. */
// @ts-ignore: decorator
@inline
export function dot32(activations: usize, a: v128, b: v128, ones: v128): v128 {
  return i32x4.dot_i16x8_s(quad(activations, a, b), ones);
}

/** Int16 activations and 8-bit integers, `unit` of them. */
// @ts-ignore: decorator
@inline
export function dot8(activations: usize, codes: usize, unit: u32, kernel: u32): v128 {
  let sum = product8(activations, codes, kernel);
  sum = i32x4.add(sum, product8(activations + 16, codes + 8, kernel));
  sum = i32x4.add(sum, product8(activations + 32, codes + 16, kernel));
  sum = i32x4.add(sum, product8(activations + 48, codes + 24, kernel));
  if (unit == 32) return sum;
  let second = product8(activations + 64, codes + 32, kernel);
  second = i32x4.add(second, product8(activations + 80, codes + 40, kernel));
  second = i32x4.add(second, product8(activations + 96, codes + 48, kernel));
  second = i32x4.add(second, product8(activations + 112, codes + 56, kernel));
  return i32x4.add(sum, second);
}

// @ts-ignore: decorator
@inline
function product8(activations: usize, codes: usize, kernel: u32): v128 {
  const weights = kernel == Kernel.signed8 ? v128.load8x8_s(codes) : v128.load8x8_u(codes);
  return i32x4.dot_i16x8_s(v128.load(activations), weights);
}
