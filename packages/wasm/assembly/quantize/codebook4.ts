// Blocks to 4-bit codes of any codebook: rank = the number of thresholds below x = w * (1 / absmax), code = codeOfRank[rank].
// Full blocks multiply by the reciprocal, a short last block divides, as packages/quantizers/src/codebook.ts says; the codes
// are its, bit for bit.
//
// The rank is found by table: [-1, 1] is cut into 31 cells, `base` counts the thresholds in the cells before that of x, and
// as many exact comparisons follow as there are thresholds in the fullest cell (1 for nf4, 2 for fp4). x to cell need only
// rise with x for that to be right. Tables of float32 are four planes of 16 bytes, one for each byte of the numbers.
import { absmax, writeRecord } from './record';
import { tile, widened } from './scratch';
import { interleaveHigh, interleaveLow, interleavePairsHigh, interleavePairsLow, lookUp, multiplyAdd, narrow } from './simd';
import { isFinite, sizeOf, widen } from './widen';

/** bitsandbytes' bound: below it a reciprocal is no float32. */
export const leastAbsmax: f32 = 1e-38;


/** Float32 [16] each: thresholds by rank, the last infinite; values by rank. */
const thresholds = memory.data(64, 16);
const values = memory.data(64, 16);
/** Bytes of the same, by plane: [4][16]. */
const thresholdPlanes = memory.data(64, 16);
const valuePlanes = memory.data(64, 16);
const codeOfRank = memory.data(16, 16);
/** [32] */
const base = memory.data(32, 16);
let comparisons: u32 = 0;

/** Adding it leaves round(x * 15.25) + 16, 1 to 31, in the low byte of the sum. */
const toCell: f32 = 8388624;
const cellsPerUnit: f32 = 15.25;

/** @param from Float32 [16] thresholds, Float32 [16] values and Uint8 [16] codes, each by rank */
export function prepareCodebook4(from: usize): void {
  memory.copy(thresholds, from, 64);
  memory.copy(values, from + 64, 64);
  memory.copy(codeOfRank, from + 128, 16);
  for (let rank: u32 = 0; rank < 16; rank++) {
    for (let byte: u32 = 0; byte < 4; byte++) {
      store<u8>(thresholdPlanes + byte * 16 + rank, load<u8>(thresholds + rank * 4 + byte));
      store<u8>(valuePlanes + byte * 16 + rank, load<u8>(values + rank * 4 + byte));
    }
  }
  comparisons = 0;
  let rank: u32 = 0;
  for (let cell: u32 = 0; cell < 32; cell++) {
    const before = rank;
    while (rank < 15 && cellOf(load<f32>(thresholds + rank * 4)) <= cell) rank++;
    store<u8>(base + cell, <u8>before);
    comparisons = max(comparisons, rank - before);
  }
}

function cellOf(x: f32): u32 {
  return reinterpret<u32>(x * cellsPerUnit + toCell) & 31;
}

/** Numbers that loops load once: V8 builds a constant anew at each use. */
const constants = memory.data<u32>(
  [0x4b000000, 0x4b000000, 0x4b000000, 0x4b000000, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x00ff00ff, 0x10101010, 0x10101010, 0x10101010, 0x10101010],
  16,
);

/** The cells of four x, one in each lane. */
// @ts-ignore: decorator
@inline
function cells(x: v128, scale: v128, offset: v128, exponent: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(x, scale), offset), exponent);
}

/** Ranks that count one more threshold each, where x is above it. */
// @ts-ignore: decorator
@inline
function compare(rank: v128, x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const p0 = lookUp(v128.load(thresholdPlanes), rank);
  const p1 = lookUp(v128.load(thresholdPlanes, 16), rank);
  const p2 = lookUp(v128.load(thresholdPlanes, 32), rank);
  const p3 = lookUp(v128.load(thresholdPlanes, 48), rank);
  const low = interleaveLow(p0, p1);
  const high = interleaveLow(p2, p3);
  const lowRest = interleaveHigh(p0, p1);
  const highRest = interleaveHigh(p2, p3);
  const above01 = i16x8.narrow_i32x4_s(
    f32x4.gt(x0, interleavePairsLow(low, high)),
    f32x4.gt(x1, interleavePairsHigh(low, high)),
  );
  const above23 = i16x8.narrow_i32x4_s(
    f32x4.gt(x2, interleavePairsLow(lowRest, highRest)),
    f32x4.gt(x3, interleavePairsHigh(lowRest, highRest)),
  );
  return i8x16.sub(rank, i8x16.narrow_i16x8_s(above01, above23));
}

/** Sixteen codes, a byte each, to a byte a pair in 16-bit lanes, the even element in the high nibble. */
// @ts-ignore: decorator
@inline
function pair(codes: v128, bytes: v128): v128 {
  return v128.and(v128.or(i16x8.shl(codes, 4), i16x8.shr_u(codes, 8)), bytes);
}

/**
 * One full block.
 * @param x Float32 [blockSize], a multiple of 32
 * @param codes Uint8 [blockSize / 2]
 */
function encodeBlock(x: usize, end: usize, largest: f32, codes: usize, record: usize): void {
  const reciprocal = f32x4.splat(1 / max(largest, leastAbsmax));
  const scale = f32x4.splat(cellsPerUnit);
  const offset = f32x4.splat(toCell);
  const exponent = v128.load(constants);
  const bytes = v128.load(constants, 16);
  const sixteen = v128.load(constants, 32);
  const toCode = v128.load(codeOfRank);
  const more = max<u32>(comparisons, 1) - 1;
  let xx = i32x4.splat(0);
  let dd = i32x4.splat(0);
  let dv = i32x4.splat(0);
  for (; x < end; codes += 16) {
    let firstPairs = i32x4.splat(0);
    for (let half = 0; half < 2; half++, x += 64) {
      const x0 = f32x4.mul(v128.load(x), reciprocal);
      const x1 = f32x4.mul(v128.load(x, 16), reciprocal);
      const x2 = f32x4.mul(v128.load(x, 32), reciprocal);
      const x3 = f32x4.mul(v128.load(x, 48), reciprocal);
      const cell = narrow(
        cells(x0, scale, offset, exponent),
        cells(x1, scale, offset, exponent),
        cells(x2, scale, offset, exponent),
        cells(x3, scale, offset, exponent),
      );
      // a swizzle gives 0 for indices past 15, so of the two halves of the table one answers
      let rank = v128.or(
        i8x16.swizzle(v128.load(base), cell),
        i8x16.swizzle(v128.load(base, 16), i8x16.sub(cell, sixteen)),
      );
      rank = compare(rank, x0, x1, x2, x3);
      for (let step = more; step > 0; step--) rank = compare(rank, x0, x1, x2, x3);
      const pairs = pair(lookUp(toCode, rank), bytes);
      if (half == 0) firstPairs = pairs;
      else v128.store(codes, i8x16.narrow_i16x8_u(firstPairs, pairs));

      const p0 = lookUp(v128.load(valuePlanes), rank);
      const p1 = lookUp(v128.load(valuePlanes, 16), rank);
      const p2 = lookUp(v128.load(valuePlanes, 32), rank);
      const p3 = lookUp(v128.load(valuePlanes, 48), rank);
      const low = interleaveLow(p0, p1);
      const high = interleaveLow(p2, p3);
      const lowRest = interleaveHigh(p0, p1);
      const highRest = interleaveHigh(p2, p3);
      const v0 = interleavePairsLow(low, high);
      const v1 = interleavePairsHigh(low, high);
      const v2 = interleavePairsLow(lowRest, highRest);
      const v3 = interleavePairsHigh(lowRest, highRest);
      const d0 = f32x4.sub(x0, v0);
      const d1 = f32x4.sub(x1, v1);
      const d2 = f32x4.sub(x2, v2);
      const d3 = f32x4.sub(x3, v3);
      xx = multiplyAdd(x3, x3, multiplyAdd(x2, x2, multiplyAdd(x1, x1, multiplyAdd(x0, x0, xx))));
      dd = multiplyAdd(d3, d3, multiplyAdd(d2, d2, multiplyAdd(d1, d1, multiplyAdd(d0, d0, dd))));
      dv = multiplyAdd(d3, v3, multiplyAdd(d2, v2, multiplyAdd(d1, v1, multiplyAdd(d0, v0, dv))));
    }
  }
  writeRecord(record, largest, xx, dd, dv);
}

function rankOf(x: f32): u32 {
  let rank: u32 = 0;
  while (x > load<f32>(thresholds + (rank << 2))) rank++;
  return rank;
}

/** The short block at the end: `count` elements, an odd end filled with the code of 0. */
function encodeShort(x: usize, count: u32, largest: f32, codes: usize, record: usize): void {
  const divisor = max(largest, leastAbsmax);
  let xx: f32 = 0;
  let dd: f32 = 0;
  let dv: f32 = 0;
  for (let i: u32 = 0; i < count + (count & 1); i++) {
    const scaled: f32 = i < count ? load<f32>(x + (i << 2)) / divisor : 0;
    const rank = rankOf(scaled);
    const code = load<u8>(codeOfRank + rank);
    const byte = codes + (i >> 1);
    store<u8>(byte, i & 1 ? load<u8>(byte) | code : code << 4);
    if (i == count) break;
    const value = load<f32>(values + (rank << 2));
    const lost = scaled - value;
    xx += scaled * scaled;
    dd += lost * lost;
    dv += lost * value;
  }
  store<f32>(record, divisor);
  store<f32>(record, xx, 4);
  store<f32>(record, dd, 8);
  store<f32>(record, dv, 12);
}

/**
 * Encodes `count` elements from the beginning of a block on.
 * @param x elements of the dtype, room for 15 bytes more
 * @param blockSize a power of two from 32 to 4096
 * @param codes Uint8 [ceil(count / 2)]
 * @param records one a block
 * @returns false when an element is NaN or infinite
 */
export function encodeCodebook4(x: usize, dtype: u32, count: u32, blockSize: u32, codes: usize, records: usize): bool {
  for (let done: u32 = 0; done < count; done += tile) {
    const length = min(tile, count - done);
    widen(x + done * sizeOf(dtype), dtype, length, widened);
    for (let first: u32 = 0; first < length; first += blockSize, codes += blockSize >> 1, records += 16) {
      const size = min(blockSize, length - first);
      const at = widened + (first << 2);
      const largest = absmax(at, at + (size << 2));
      if (!isFinite(largest, dtype)) return false;
      if (size == blockSize) encodeBlock(at, at + (size << 2), largest, codes, records);
      else encodeShort(at, size, largest, codes, records);
    }
  }
  return true;
}
