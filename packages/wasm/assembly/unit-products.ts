// What a row has for each unit before codes are read: its scales times those of the activations, and what is added.
//
// Shapes: U units of a row.
import { unitScales, unitOffsets } from './block-values';
import { Kernel, Matrix, Scratch, Zero } from './matrix';
import { splat, storeTransposed, sumLanes } from './simd';

/** Whether anything is added to levels times scale. */
// @ts-ignore: decorator
@inline
function hasOffsets(kernel: u32): bool {
  return kernel == Kernel.unsigned8;
}

/** The scales of a row, and what is added. */
// @ts-ignore: decorator
@inline
export function prepareRow(matrix: Matrix, row: u32, kernel: u32): void {
  unitScales(matrix, row, Scratch.scales);
  if (hasOffsets(kernel) && matrix.zero != Zero.constant) unitOffsets(matrix, row, Scratch.scales, Scratch.offsets);
}

/** Where a row finds what is added, a unit: offsets of its own, or scales that `levelOffset` multiplies. */
// @ts-ignore: decorator
@inline
function offsetsOf(matrix: Matrix): usize {
  return matrix.zero == Zero.constant ? Scratch.scales : Scratch.offsets;
}

// @ts-ignore: decorator
@inline
function offsetFactor(matrix: Matrix): f32 {
  return matrix.zero == Zero.constant ? matrix.levelOffset : 1;
}

/** Writes products[u] = S[u] * a[u] of one token; returns Σ Z[u] * sums[u]. */
// @ts-ignore: decorator
@inline
export function scaleUnits(matrix: Matrix, scales: usize, sums: usize, kernel: u32): f32 {
  const end = Scratch.scales + (matrix.units << 2);
  let products = Scratch.products;
  let offsets = offsetsOf(matrix);
  let added = f32x4.splat(0);
  for (let at = Scratch.scales; at < end; at += 16, scales += 16, products += 16) {
    v128.store(products, f32x4.mul(v128.load(at), v128.load(scales)));
    if (hasOffsets(kernel)) {
      added = f32x4.add(added, f32x4.mul(v128.load(offsets), v128.load(sums)));
      offsets += 16;
      sums += 16;
    }
  }
  return hasOffsets(kernel) ? sumLanes(added) * offsetFactor(matrix) : 0;
}

/** Σ Z[u] * sums[u] of one token. */
// @ts-ignore: decorator
@inline
export function addedTo(matrix: Matrix, sums: usize, kernel: u32): f32 {
  if (!hasOffsets(kernel)) return 0;
  let offsets = offsetsOf(matrix);
  let added = f32x4.splat(0);
  for (const end = offsets + (matrix.units << 2); offsets < end; offsets += 16, sums += 16) {
    added = f32x4.add(added, f32x4.mul(v128.load(offsets), v128.load(sums)));
  }
  return sumLanes(added) * offsetFactor(matrix);
}

/** Writes products[u][t] = S[u] * a[u] of token t, four of them. */
// @ts-ignore: decorator
@inline
export function scaleUnitsOfFour(matrix: Matrix, s0: usize, s1: usize, s2: usize, s3: usize): void {
  const length: usize = matrix.units << 2;
  let products = Scratch.products;
  for (let at: usize = 0; at < length; at += 16, products += 64) {
    const scale = v128.load(Scratch.scales + at);
    const a = f32x4.mul(scale, v128.load(s0 + at));
    const b = f32x4.mul(scale, v128.load(s1 + at));
    const c = f32x4.mul(scale, v128.load(s2 + at));
    const d = f32x4.mul(scale, v128.load(s3 + at));
    storeTransposed(a, b, c, d, products);
  }
}

// @ts-ignore: decorator
@inline
export function accumulate(total: v128, dot: v128, product: usize): v128 {
  return f32x4.add(total, f32x4.mul(f32x4.convert_i32x4_s(dot), splat(product)));
}

/** Index of the `i`-th token of a list, or i where there is none. */
// @ts-ignore: decorator
@inline
export function tokenAt(list: usize, i: u32): u32 {
  return list == 0 ? i : load<u32>(list + (i << 2));
}
