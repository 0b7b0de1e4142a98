// What eight rows have for each unit before their codes are read: for four and four of them a vector of scales, and one of
// what is added.
//   value = S * level + Z, where S = scale * levelStep and Z = scale * levelOffset, or the unit's own shift
// The usual layouts are read four rows at a time; the others a row at a time, and transposed.
//
// Shapes: U units of a row.
import { halfBias, unitScales, unitShifts } from './block-values';
import { BlockKind, Matrix, Scratch, Shift } from './matrix';
import { firstHalves, lastHalves, zipFirst, zipLast } from './simd';

/** Bytes from the vectors of one unit to those of the next. */
const spacing: usize = 64;

/** S and Z of one unit of four rows. */
// @ts-ignore: decorator
@inline
function storeUnit(out: usize, scales: v128, offset: v128): void {
  v128.store(out, scales);
  v128.store(out, f32x4.mul(scales, offset), 16);
}

/** Four float32. */
// @ts-ignore: decorator
@inline
function gather(a: usize, b: usize, c: usize, d: usize): v128 {
  let values = v128.load32_zero(a);
  values = v128.load_lane<u32>(b, values, 1);
  values = v128.load_lane<u32>(c, values, 2);
  return v128.load_lane<u32>(d, values, 3);
}

/** Numbers of a table of float32 by four codes. */
// @ts-ignore: decorator
@inline
function lookUpFour(table: usize, a: u32, b: u32, c: u32, d: u32): v128 {
  return gather(table + (a << 2), table + (b << 2), table + (c << 2), table + (d << 2));
}

/** Scales that are nested: a code a unit, and a float32 that four units of a row share. */
function nestedScales(matrix: Matrix, r0: u32, r1: u32, r2: u32, r3: u32, offset: v128, out: usize): void {
  const units = matrix.units;
  const data = matrix.scaleData;
  const table = matrix.scaleTable;
  const nested = matrix.scaleNested;
  const shift = matrix.scaleNestedShift;
  const step = f32x4.splat(matrix.levelStep);
  const added = f32x4.splat(matrix.scaleOffset * matrix.levelStep);
  let a = r0 * units;
  let b = r1 * units;
  let c = r2 * units;
  let d = r3 * units;
  for (const end = out + <usize>units * spacing; out < end; out += 4 * spacing) {
    const shared = f32x4.mul(
      gather(
        nested + ((a >> shift) << 2),
        nested + ((b >> shift) << 2),
        nested + ((c >> shift) << 2),
        nested + ((d >> shift) << 2),
      ),
      step,
    );
    const pa = data + a;
    const pb = data + b;
    const pc = data + c;
    const pd = data + d;
    let codes = lookUpFour(table, load<u8>(pa), load<u8>(pb), load<u8>(pc), load<u8>(pd));
    storeUnit(out, f32x4.add(f32x4.mul(codes, shared), added), offset);
    codes = lookUpFour(table, load<u8>(pa, 1), load<u8>(pb, 1), load<u8>(pc, 1), load<u8>(pd, 1));
    storeUnit(out + spacing, f32x4.add(f32x4.mul(codes, shared), added), offset);
    codes = lookUpFour(table, load<u8>(pa, 2), load<u8>(pb, 2), load<u8>(pc, 2), load<u8>(pd, 2));
    storeUnit(out + 2 * spacing, f32x4.add(f32x4.mul(codes, shared), added), offset);
    codes = lookUpFour(table, load<u8>(pa, 3), load<u8>(pb, 3), load<u8>(pc, 3), load<u8>(pd, 3));
    storeUnit(out + 3 * spacing, f32x4.add(f32x4.mul(codes, shared), added), offset);
    a += 4;
    b += 4;
    c += 4;
    d += 4;
  }
}

/** Four numbers, times 2^-112 those of binary16, which are finite. */
// @ts-ignore: decorator
@inline
function loadFour(address: usize, kind: u32, halfMask: v128): v128 {
  if (kind == BlockKind.float32) return v128.load(address);
  if (kind == BlockKind.bfloat16) return i32x4.shl(v128.load16x4_u(address), 16);
  // the sign fills the upper half: one bit of it stays
  return v128.and(i32x4.shl(v128.load16x4_s(address), 13), halfMask);
}

/** Scales that are plain numbers. */
// @ts-ignore: decorator
@inline
function plainScales(matrix: Matrix, r0: u32, r1: u32, r2: u32, r3: u32, offset: v128, factor: v128, out: usize, kind: u32): void {
  const bytes: u32 = kind == BlockKind.float32 ? 4 : 2;
  const rowBytes = matrix.units * bytes;
  const data = matrix.scaleData;
  const halfMask = i32x4.splat(0x8fffffff);
  let a = data + r0 * rowBytes;
  let b = data + r1 * rowBytes;
  let c = data + r2 * rowBytes;
  let d = data + r3 * rowBytes;
  for (const end = out + <usize>matrix.units * spacing; out < end; out += 4 * spacing) {
    const first = f32x4.mul(loadFour(a, kind, halfMask), factor);
    const second = f32x4.mul(loadFour(b, kind, halfMask), factor);
    const third = f32x4.mul(loadFour(c, kind, halfMask), factor);
    const fourth = f32x4.mul(loadFour(d, kind, halfMask), factor);
    const ab = zipFirst(first, second);
    const cd = zipFirst(third, fourth);
    storeUnit(out, firstHalves(ab, cd), offset);
    storeUnit(out + spacing, lastHalves(ab, cd), offset);
    const ab2 = zipLast(first, second);
    const cd2 = zipLast(third, fourth);
    storeUnit(out + 2 * spacing, firstHalves(ab2, cd2), offset);
    storeUnit(out + 3 * spacing, lastHalves(ab2, cd2), offset);
    a += 4 * bytes;
    b += 4 * bytes;
    c += 4 * bytes;
    d += 4 * bytes;
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

/** Any layout, a row at a time. */
function anyScales(matrix: Matrix, row: u32, last: u32, out: usize): void {
  const shifted = matrix.shift != Shift.constant;
  const stride = Scratch.stride;
  for (let r: u32 = 0; r < 4; r++) {
    const at = min(row + r, last);
    const scales = Scratch.scales + r * stride;
    unitScales(matrix, at, scales);
    if (shifted) unitShifts(matrix, at, scales, Scratch.shifts + r * stride);
  }
  storeColumns(Scratch.scales, stride, matrix.units, f32x4.splat(matrix.levelStep), out);
  const shifts = shifted ? Scratch.shifts : Scratch.scales;
  storeColumns(shifts, stride, matrix.units, f32x4.splat(shifted ? 1 : matrix.levelOffset), out + 16);
}

function prepareFour(matrix: Matrix, row: u32, last: u32, out: usize): void {
  const kind = matrix.scaleKind;
  const multiplier = matrix.scaleMultiplier * matrix.levelStep * (kind == BlockKind.float16 ? halfBias : 1);
  const usual = matrix.simple != 0 && matrix.shift == Shift.constant && matrix.levelStep != 0 && abs(multiplier) < f32.MAX_VALUE;
  if (!usual || kind == BlockKind.exponent8) {
    anyScales(matrix, row, last, out);
    return;
  }
  const r0 = min(row, last);
  const r1 = min(row + 1, last);
  const r2 = min(row + 2, last);
  const r3 = min(row + 3, last);
  const offset = f32x4.splat(matrix.levelOffset / matrix.levelStep);
  const factor = f32x4.splat(multiplier);
  if (kind == BlockKind.nested) nestedScales(matrix, r0, r1, r2, r3, offset, out);
  else if (kind == BlockKind.float32) plainScales(matrix, r0, r1, r2, r3, offset, factor, out, BlockKind.float32);
  else if (kind == BlockKind.float16) plainScales(matrix, r0, r1, r2, r3, offset, factor, out, BlockKind.float16);
  else plainScales(matrix, r0, r1, r2, r3, offset, factor, out, BlockKind.bfloat16);
}

/**
 * Writes `Scratch.rowScales` for eight rows; those past the last one are like it.
 * @param local the first of them, counted in this thread's share
 */
export function prepareRows(matrix: Matrix, local: u32): void {
  const row = matrix.firstRow + local;
  const last = matrix.firstRow + matrix.rows - 1;
  prepareFour(matrix, row, last, Scratch.rowScales);
  prepareFour(matrix, row + 4, last, Scratch.rowScales + spacing / 2);
}
