// Integer codes in blocks of a row, bit for bit those of packages/quantizers/src (affine-block, int8, int8-rows). A row is
// widened to float32 and filled up with zeros, which add nothing to any sum; the scale of a block is found in float64, its
// codes in float32:
//   affine4   code = clamp(round(w / scale) + zero, 0, 15)
//   signed8   code = clamp(round(w / scale), -127, 127), scale = absmax / 127
//   rows8     code = round(w * factor), factor = (1 / absmax) * 127: LLM.int8, which sees bfloat16 as float16
import { fitBlock, fittedZero } from './fit-affine4';
import { packPairs } from './pack';
import { absmax, writeRecord } from './record';
import { finiteScale, flushed, largestFloat16, least, toFloat16 } from './scale';
import { multiplyAdd, toBytes } from './simd';
import { DType, isFinite, sizeOf, widen } from './widen';

/**
 * Codes of one block, a byte each.
 * @param x Float32, zeros up to a whole vector
 * @param zero what the code of 0 is
 * @param codes room for three more
 */
// @ts-ignore: decorator
@inline
function encodeBlock(x: usize, count: u32, scale: f32, zero: f32, low: f32, high: f32, codes: usize, record: usize): void {
  const unit = f32x4.splat(max(scale, least));
  // where the scale is 0 every code is that of 0
  const on = f32x4.splat(scale == 0 ? 0 : 1);
  const zeros = f32x4.splat(zero);
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  let xx = i32x4.splat(0);
  let dd = i32x4.splat(0);
  let dv = i32x4.splat(0);
  for (const end = x + (count << 2); x < end; x += 16, codes += 4) {
    const q = f32x4.div(v128.load(x), unit);
    const code = f32x4.pmin(f32x4.pmax(f32x4.add(f32x4.mul(f32x4.nearest(q), on), zeros), lows), highs);
    v128.store32_lane(codes, toBytes(code), 0);
    const v = f32x4.sub(code, zeros);
    const d = f32x4.sub(q, v);
    xx = multiplyAdd(q, q, xx);
    dd = multiplyAdd(d, d, dd);
    dv = multiplyAdd(d, v, dv);
  }
  writeRecord(record, scale, xx, dd, dv);
}

/**
 * Rows to packed codes, the even element in the low nibble, across row ends.
 * @param x elements of the dtype [rows, columns], room for 15 bytes more
 * @param row room for columns + 11 float32
 * @param unpacked room for rows * columns + 32 bytes
 * @param codes Uint8 [ceil(rows * columns / 2)], room for 15 more
 * @param zeroPoints Uint8, one a block
 * @param records one a block
 * @returns false when an element is NaN or infinite
 */
export function encodeAffine4(
  x: usize,
  dtype: u32,
  rows: u32,
  columns: u32,
  blockSize: u32,
  symmetric: bool,
  search: bool,
  row: usize,
  unpacked: usize,
  codes: usize,
  zeroPoints: usize,
  records: usize,
): bool {
  let out = unpacked;
  for (let r: u32 = 0; r < rows; r++, x += columns * sizeOf(dtype)) {
    widen(x, dtype, columns, row);
    if (!isFinite(absmax(row, row + (columns << 2)), dtype)) return false;
    for (let first: u32 = 0; first < columns; first += blockSize, records += 16, zeroPoints++) {
      const count = min(blockSize, columns - first);
      const at = row + (first << 2);
      const scale = fitBlock(at, count, symmetric, search);
      encodeBlock(at, count, scale, <f32>fittedZero, 0, 15, out, records);
      store<u8>(zeroPoints, <u8>fittedZero);
      out += count;
    }
  }
  packPairs(unpacked, rows * columns, codes);
  return true;
}

/** Rows to signed bytes in blocks; parameters as for `encodeAffine4`, codes Int8 [rows * columns], room for three more. */
export function encodeSigned8(
  x: usize,
  dtype: u32,
  rows: u32,
  columns: u32,
  blockSize: u32,
  row: usize,
  codes: usize,
  records: usize,
): bool {
  for (let r: u32 = 0; r < rows; r++, x += columns * sizeOf(dtype)) {
    widen(x, dtype, columns, row);
    if (!isFinite(absmax(row, row + (columns << 2)), dtype)) return false;
    for (let first: u32 = 0; first < columns; first += blockSize, records += 16) {
      const count = min(blockSize, columns - first);
      const at = row + (first << 2);
      const scale = finiteScale(<f64>absmax(at, at + (count << 2)) / 127, 127);
      encodeBlock(at, count, scale, 0, -127, 127, codes, records);
      codes += count;
    }
  }
  return true;
}

/**
 * Rows to signed bytes with one scale a row, its largest magnitude.
 * @param multiplier the float32 that decoding multiplies by last
 * @param seen room for columns + 11 float32, beside `row`
 * @returns false also when a row is beyond what the form can hold, or so near zero that its factor may overflow
 */
export function encodeRows8(
  x: usize,
  dtype: u32,
  rows: u32,
  columns: u32,
  multiplier: f32,
  row: usize,
  seen: usize,
  codes: usize,
  records: usize,
): bool {
  for (let r: u32 = 0; r < rows; r++, x += columns * sizeOf(dtype), codes += columns, records += 16) {
    widen(x, dtype, columns, row);
    if (!isFinite(absmax(row, row + (columns << 2)), dtype)) return false;
    const end = (row + (columns << 2) + 15) & ~15;
    if (dtype == DType.BF16) {
      for (let at: usize = 0; row + at < end; at += 16) v128.store(seen + at, toFloat16(v128.load(row + at)));
    } else {
      memory.copy(seen, row, end - row);
    }
    const largest = absmax(seen, seen + (end - row));
    const limit = dtype == DType.BF16 ? <f64>largestFloat16 : <f64>f32.MAX_VALUE / 127;
    if (<f64>largest > limit || (largest > 0 && largest < flushed)) return false;
    const factor: f32 = largest == 0 ? 127 / flushed : (<f32>1 / largest) * 127;
    encodeRow(row, seen, end, largest, multiplier, factor, codes, records);
  }
  return true;
}

/** What is lost is taken from what decoding gives, rounded as it rounds: the factor is no exact reciprocal of the scale. */
// @ts-ignore: decorator
@inline
function encodeRow(
  row: usize,
  seen: usize,
  end: usize,
  largest: f32,
  multiplier: f32,
  factor: f32,
  codes: usize,
  record: usize,
): void {
  const factors = f32x4.splat(factor);
  const scale = f32x4.splat(largest);
  const last = f32x4.splat(multiplier);
  let xx = i32x4.splat(0);
  let dd = i32x4.splat(0);
  for (; row < end; row += 16, seen += 16, codes += 4) {
    const v = f32x4.nearest(f32x4.mul(v128.load(seen), factors));
    v128.store32_lane(codes, toBytes(v), 0);
    const w = v128.load(row);
    const q = f32x4.mul(w, factors);
    const d = f32x4.mul(f32x4.sub(w, f32x4.mul(f32x4.mul(v, scale), last)), factors);
    xx = multiplyAdd(q, q, xx);
    dd = multiplyAdd(d, d, dd);
  }
  // the scale is stored as it is, never nested: no sum of d v is asked for
  writeRecord(record, largest, xx, dd, i32x4.splat(0));
}
