// What eight rows have for each unit before their codes are read: scales, and what is added where a unit has its own.
//   value = S * level + Z, where S = scale * levelStep and Z = S * `Scratch.offset`, or the unit's own offset
// Interleaved scales are read eight at a time, as their codes are; those of other layouts a row at a time, and transposed.
//
// Shapes: U units of a row.
import { halfBias, unitScales, unitOffsets } from './block-values';
import { BlockKind, Matrix, ScaleOrder, Scratch, Zero } from './matrix';
import { interleavedRows } from './nibbles';
import { firstHalves, lastHalves, zipFirst, zipLast } from './simd';

/** Bytes from the numbers of one unit to those of the next. */
const spacing: usize = interleavedRows * 4;

/** Whether units have what is added of their own. */
// @ts-ignore: decorator
@inline
function hasOffsets(matrix: Matrix): bool {
  return matrix.zero != Zero.constant;
}

/** Bytes from S to Z where units have what is added of their own; else 0. */
// @ts-ignore: decorator
@inline
export function offsetsOf(matrix: Matrix): usize {
  return hasOffsets(matrix) ? Scratch.offsetsAfter : 0;
}

/** Sets `Scratch.offset`: Z / S where it is the same for all units. */
// @ts-ignore: decorator
@inline
export function prepareOffset(matrix: Matrix): void {
  v128.store(Scratch.offset, f32x4.splat(matrix.levelOffset / matrix.levelStep));
}

/** Numbers of a table of float32 by four codes. */
// @ts-ignore: decorator
@inline
function lookUpFour(table: usize, codes: usize): v128 {
  let values = v128.load32_zero(table + (<usize>load<u8>(codes) << 2));
  values = v128.load_lane<u32>(table + (<usize>load<u8>(codes, 1) << 2), values, 1);
  values = v128.load_lane<u32>(table + (<usize>load<u8>(codes, 2) << 2), values, 2);
  return v128.load_lane<u32>(table + (<usize>load<u8>(codes, 3) << 2), values, 3);
}

/** The nested scales of four rows, `rowUnits` blocks apart, for block `block` of the first. */
// @ts-ignore: decorator
@inline
function nestedFour(matrix: Matrix, block: u32, rowUnits: u32): v128 {
  const nested = matrix.scaleNested;
  const shift = matrix.scaleNestedShift;
  let values = v128.load32_zero(nested + ((block >> shift) << 2));
  values = v128.load_lane<u32>(nested + (((block + rowUnits) >> shift) << 2), values, 1);
  values = v128.load_lane<u32>(nested + (((block + 2 * rowUnits) >> shift) << 2), values, 2);
  return v128.load_lane<u32>(nested + (((block + 3 * rowUnits) >> shift) << 2), values, 3);
}

/**
 * Scales that are nested: a code a unit, and a float32 for many, often for all of eight rows; at least for four of a row.
 * @param block of the tensor, the first of these rows
 */
function nestedScales(matrix: Matrix, codes: usize, block: u32, out: usize): void {
  const units = matrix.units;
  const table = matrix.scaleTable;
  const shift = matrix.scaleNestedShift;
  const step = f32x4.splat(matrix.levelStep);
  const added = f32x4.splat(matrix.scaleOffset * matrix.levelStep);
  const alike = block >> shift == (block + interleavedRows * units - 1) >> shift;
  let first = f32x4.mul(f32x4.splat(load<f32>(matrix.scaleNested + ((block >> shift) << 2))), step);
  let second = first;
  for (let unit: u32 = 0; unit < units; unit++, codes += interleavedRows, out += spacing) {
    if (!alike && (unit & 3) == 0) {
      first = f32x4.mul(nestedFour(matrix, block + unit, units), step);
      second = f32x4.mul(nestedFour(matrix, block + unit + 4 * units, units), step);
    }
    v128.store(out, f32x4.add(f32x4.mul(lookUpFour(table, codes), first), added));
    v128.store(out, f32x4.add(f32x4.mul(lookUpFour(table, codes + 4), second), added), 16);
  }
}

/** Four numbers, times 2^-112 those of binary16, which are finite. */
// @ts-ignore: decorator
@inline
function loadFour(address: usize, kind: u32, mask: v128): v128 {
  if (kind == BlockKind.float32) return v128.load(address);
  if (kind == BlockKind.bfloat16) return i32x4.shl(v128.load16x4_u(address), 16);
  // the sign fills the upper half: one bit of it stays
  if (kind == BlockKind.float16) return v128.and(i32x4.shl(v128.load16x4_s(address), 13), mask);
  // code 0 is 2^-127
  const exponents = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(address)));
  return i32x4.max_u(i32x4.shl(exponents, 23), mask);
}

/** Scales of a unit that are plain numbers. */
// @ts-ignore: decorator
@inline
function plainUnit(numbers: usize, factor: v128, mask: v128, out: usize, kind: u32): void {
  v128.store(out, f32x4.mul(loadFour(numbers, kind, mask), factor));
  v128.store(out, f32x4.mul(loadFour(numbers + bytesOfFour(kind), kind, mask), factor), 16);
}

// @ts-ignore: decorator
@inline
function bytesOfFour(kind: u32): usize {
  return kind == BlockKind.float32 ? 16 : kind == BlockKind.exponent8 ? 4 : 8;
}

/** Those of a multiple of four units. */
// @ts-ignore: decorator
@inline
function plainScales(numbers: usize, units: u32, factor: v128, out: usize, kind: u32): void {
  const bytes = 2 * bytesOfFour(kind);
  const mask = i32x4.splat(kind == BlockKind.exponent8 ? 0x00400000 : 0x8fffffff);
  for (const end = out + <usize>units * spacing; out < end; numbers += 4 * bytes, out += 4 * spacing) {
    plainUnit(numbers, factor, mask, out, kind);
    plainUnit(numbers + bytes, factor, mask, out + spacing, kind);
    plainUnit(numbers + 2 * bytes, factor, mask, out + 2 * spacing, kind);
    plainUnit(numbers + 3 * bytes, factor, mask, out + 3 * spacing, kind);
  }
}

/** Four rows of numbers, `stride` bytes apart, times `factor`: a vector for each unit. */
function storeColumns(rows: usize, stride: usize, units: u32, factor: v128, out: usize): void {
  for (const end = out + <usize>units * spacing; out < end; rows += 16, out += 4 * spacing) {
    const a = f32x4.mul(v128.load(rows), factor);
    const b = f32x4.mul(v128.load(rows + stride), factor);
    const c = f32x4.mul(v128.load(rows + 2 * stride), factor);
    const d = f32x4.mul(v128.load(rows + 3 * stride), factor);
    const first = zipFirst(a, b);
    const second = zipFirst(c, d);
    v128.store(out, firstHalves(first, second));
    v128.store(out + spacing, lastHalves(first, second));
    const third = zipLast(a, b);
    const fourth = zipLast(c, d);
    v128.store(out + 2 * spacing, firstHalves(third, fourth));
    v128.store(out + 3 * spacing, lastHalves(third, fourth));
  }
}

/** Any layout, a row at a time; rows past the last one are like it. */
function anyScales(matrix: Matrix, row: u32, last: u32, out: usize): void {
  const ownOffsets = hasOffsets(matrix);
  const stride = Scratch.stride;
  for (let r: u32 = 0; r < 4; r++) {
    const at = min(row + r, last);
    const scales = Scratch.scales + r * stride;
    unitScales(matrix, at, scales);
    if (ownOffsets) unitOffsets(matrix, at, scales, Scratch.offsets + r * stride);
  }
  storeColumns(Scratch.scales, stride, matrix.units, f32x4.splat(matrix.levelStep), out);
  if (ownOffsets) storeColumns(Scratch.offsets, stride, matrix.units, f32x4.splat(1), out + Scratch.offsetsAfter);
}

/** Scales of eight interleaved rows; those past the last one are zeros. */
function scalesTogether(matrix: Matrix, local: u32, out: usize): void {
  const kind = matrix.scaleKind;
  const units = matrix.units;
  const first = local * units;
  const data = matrix.scaleData;
  const factor = f32x4.splat(matrix.scaleMultiplier * matrix.levelStep * (kind == BlockKind.float16 ? halfBias : 1));
  if (kind == BlockKind.nested) nestedScales(matrix, data + first, matrix.firstRow * units + first, out);
  else if (kind == BlockKind.float32) plainScales(data + (first << 2), units, factor, out, BlockKind.float32);
  else if (kind == BlockKind.float16) plainScales(data + (first << 1), units, factor, out, BlockKind.float16);
  else if (kind == BlockKind.bfloat16) plainScales(data + (first << 1), units, factor, out, BlockKind.bfloat16);
  else plainScales(data + first, units, factor, out, BlockKind.exponent8);
}

/**
 * Writes the numbers of eight rows, to `Scratch.rowScales` where units have what is added of their own.
 * @param local the first of them, counted in this thread's share
 */
export function prepareRows(matrix: Matrix, local: u32, out: usize): void {
  if (matrix.scaleOrder == ScaleOrder.interleaved) {
    scalesTogether(matrix, local, out);
    return;
  }
  const row = matrix.firstRow + local;
  const last = matrix.firstRow + matrix.rows - 1;
  anyScales(matrix, row, last, out);
  anyScales(matrix, row + 4, last, out + spacing / 2);
}
