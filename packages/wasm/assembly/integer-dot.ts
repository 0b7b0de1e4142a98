// The inner loops over codes: weights of a row as 16-bit levels, and their products with 16-bit activations. All sums are
// exact integers, so their order is free; what comes back are four 32-bit partial sums.
import { Kernel } from './matrix';
import { joinFirst, joinLast, lookUp } from './simd';

/** Eight activations times eight levels, in pairs. */
// @ts-ignore: decorator
@inline
function products(activations: usize, levels: v128): v128 {
  return i32x4.dot_i16x8_s(v128.load(activations), levels);
}

/**
 * 32 activations times the 32 codes of 16 bytes.
 * @param low bytes of the codebook's levels
 * @param high bytes of them
 */
// @ts-ignore: decorator
@inline
export function dotCodes4(activations: usize, codes: v128, lowNibble: v128, low: v128, high: v128): v128 {
  const first = v128.and(codes, lowNibble);
  const second = v128.and(i16x8.shr_u(codes, 4), lowNibble);
  const firstLow = lookUp(low, first);
  const firstHigh = lookUp(high, first);
  const secondLow = lookUp(low, second);
  const secondHigh = lookUp(high, second);
  const a = i32x4.add(
    products(activations, joinFirst(firstLow, firstHigh)),
    products(activations + 16, joinLast(firstLow, firstHigh)),
  );
  const b = i32x4.add(
    products(activations + 32, joinFirst(secondLow, secondHigh)),
    products(activations + 48, joinLast(secondLow, secondHigh)),
  );
  return i32x4.add(a, b);
}

/** The levels of 16 bytes of codes: Int16 [32] at `out`. */
// @ts-ignore: decorator
@inline
export function decodeCodes4(out: usize, codes: v128, lowNibble: v128, low: v128, high: v128): void {
  const first = v128.and(codes, lowNibble);
  const second = v128.and(i16x8.shr_u(codes, 4), lowNibble);
  const firstLow = lookUp(low, first);
  const firstHigh = lookUp(high, first);
  const secondLow = lookUp(low, second);
  const secondHigh = lookUp(high, second);
  v128.store(out, joinFirst(firstLow, firstHigh));
  v128.store(out, joinLast(firstLow, firstHigh), 16);
  v128.store(out, joinFirst(secondLow, secondHigh), 32);
  v128.store(out, joinLast(secondLow, secondHigh), 48);
}

/** Eight 8-bit codes as levels. */
// @ts-ignore: decorator
@inline
export function load8(codes: usize, kernel: u32): v128 {
  return kernel == Kernel.signed8 ? v128.load8x8_s(codes) : v128.load8x8_u(codes);
}

/** 32 activations times 32 codes of 8 bits. */
// @ts-ignore: decorator
@inline
export function dotCodes8(activations: usize, codes: usize, kernel: u32): v128 {
  const a = i32x4.add(products(activations, load8(codes, kernel)), products(activations + 16, load8(codes + 8, kernel)));
  const b = i32x4.add(
    products(activations + 32, load8(codes + 16, kernel)),
    products(activations + 48, load8(codes + 24, kernel)),
  );
  return i32x4.add(a, b);
}

/** 32 activations times 32 levels. */
// @ts-ignore: decorator
@inline
export function dotLevels(activations: usize, levels: usize): v128 {
  const a = i32x4.add(products(activations, v128.load(levels)), products(activations + 16, v128.load(levels, 16)));
  const b = i32x4.add(
    products(activations + 32, v128.load(levels, 32)),
    products(activations + 48, v128.load(levels, 48)),
  );
  return i32x4.add(a, b);
}
