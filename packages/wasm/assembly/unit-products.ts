// What a row has for each unit before codes are read: its scales times those of the activations, and what is added.
//
// Shapes: U units of a row.
import { unitScales, unitShifts } from './block-values';
import { Kernel, Matrix, Scratch, Shift } from './matrix';
import { splat, storeTransposed, sumLanes } from './simd';

/** Whether anything is added to levels times scale. */
// @ts-ignore: decorator
@inline
function isShifted(kernel: u32): bool {
  return kernel == Kernel.unsigned8;
}

/** The scales of a row, and what is added. */
// @ts-ignore: decorator
@inline
export function prepareRow(matrix: Matrix, row: u32, kernel: u32): void {
  unitScales(matrix, row, Scratch.scales);
  if (isShifted(kernel) && matrix.shift != Shift.constant) unitShifts(matrix, row, Scratch.scales, Scratch.shifts);
}

/** Where a row finds what is added, a unit: shifts of its own, or scales that `levelOffset` multiplies. */
// @ts-ignore: decorator
@inline
function shiftsOf(matrix: Matrix): usize {
  return matrix.shift == Shift.constant ? Scratch.scales : Scratch.shifts;
}

// @ts-ignore: decorator
@inline
function shiftFactor(matrix: Matrix): f32 {
  return matrix.shift == Shift.constant ? matrix.levelOffset : 1;
}

/** Writes products[u] = S[u] * a[u] of one token; returns Σ Z[u] * sums[u]. */
// @ts-ignore: decorator
@inline
export function scaleUnits(matrix: Matrix, scales: usize, sums: usize, kernel: u32): f32 {
  const end = Scratch.scales + (matrix.units << 2);
  let products = Scratch.products;
  let shifts = shiftsOf(matrix);
  let added = f32x4.splat(0);
  for (let at = Scratch.scales; at < end; at += 16, scales += 16, products += 16) {
    v128.store(products, f32x4.mul(v128.load(at), v128.load(scales)));
    if (isShifted(kernel)) {
      added = f32x4.add(added, f32x4.mul(v128.load(shifts), v128.load(sums)));
      shifts += 16;
      sums += 16;
    }
  }
  return isShifted(kernel) ? sumLanes(added) * shiftFactor(matrix) : 0;
}

/** Σ Z[u] * sums[u] of one token. */
// @ts-ignore: decorator
@inline
export function addedTo(matrix: Matrix, sums: usize, kernel: u32): f32 {
  if (!isShifted(kernel)) return 0;
  let shifts = shiftsOf(matrix);
  let added = f32x4.splat(0);
  for (const end = shifts + (matrix.units << 2); shifts < end; shifts += 16, sums += 16) {
    added = f32x4.add(added, f32x4.mul(v128.load(shifts), v128.load(sums)));
  }
  return sumLanes(added) * shiftFactor(matrix);
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
