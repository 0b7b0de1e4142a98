// The inner loops over 8-bit codes, widened, and their products with 16-bit activations. All sums are exact integers, so
// their order is free; what comes back are four 32-bit partial sums.
import { Kernel } from './matrix';

/** Eight activations times eight levels, in pairs. */
// @ts-ignore: decorator
@inline
function products(activations: usize, levels: v128): v128 {
  return i32x4.dot_i16x8_s(v128.load(activations), levels);
}

/** Eight codes in 16 bits. */
// @ts-ignore: decorator
@inline
export function load8(codes: usize, kernel: u32): v128 {
  return kernel == Kernel.signed8 ? v128.load8x8_s(codes) : v128.load8x8_u(codes);
}

/** 32 activations times 32 codes of 8 bits. */
// @ts-ignore: decorator
@inline
export function dotCodes(activations: usize, codes: usize, kernel: u32): v128 {
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
