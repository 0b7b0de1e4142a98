// Blocks to 4-bit codes of any codebook: rank = the number of thresholds below x = w * (1 / absmax), code = codeOfRank[rank].
// Full blocks multiply by the reciprocal, a short last block divides, as packages/quantizers/src/codebook.ts says; the codes
// are its, bit for bit.
//
// Full blocks are ranked in fixed point: X = trunc(2^14 x), 16 bits, and T likewise of each threshold. X > T says that x is
// above the threshold, X < T that it is below; 64 elements of which some X = T are ranked again, in float32. The rank is found by
// table: [-1, 1] is cut into 32 cells of X, `base` counts the thresholds in the cells before that of X, and as many comparisons
// follow as there are thresholds in the fullest cell (1 for nf4, 2 for fp4). Tables of numbers are planes of 16 bytes, one for
// each byte of the numbers.
import { absmax, writeRecord } from './record';
import { widened } from './scratch';
import { interleaveHigh, interleaveLow, interleavePairsHigh, interleavePairsLow, lookUp, multiplyAdd, truncate } from './simd';
import { splitBlock } from './split';
import { isFinite, sizeOf, widen } from './widen';

/** bitsandbytes' bound: below it a reciprocal is no float32. */
export const leastAbsmax: f32 = 1e-38;

/** Fixed point counts x in steps of 2^-14. */
const steps: f32 = 16384;

/** 2^-28, of sums of products of two numbers so counted. */
const perSquare: f32 = 1 / (steps * steps);

/** Below it, which is 0 too, the reciprocal times `steps` is no float32. */
const leastStepped: f32 = 1e-34;

/** Float32 [16] each: thresholds by rank, the last infinite; values by rank. */
const thresholds = memory.data(64, 16);
const values = memory.data(64, 16);
/** Bytes of the thresholds as they are and in fixed point, and of the values times `steps`, by plane: [4][16], [2][16], [4][16]. */
const thresholdPlanes = memory.data(64, 16);
const fixedPlanes = memory.data(32, 16);
const valuePlanes = memory.data(64, 16);
/** Codes by rank, in the high nibble and in the low one: [2][16]. */
const codeOfRank = memory.data(32, 16);
/** By cell, those below zero first: [32] */
const base = memory.data(32, 16);
let comparisons: u32 = 0;

/** @param from Float32 [16] thresholds, Float32 [16] values and Uint8 [16] codes, each by rank */
export function prepareCodebook4(from: usize): void {
  memory.copy(thresholds, from, 64);
  memory.copy(values, from + 64, 64);
  for (let rank: u32 = 0; rank < 16; rank++) {
    const threshold = load<f32>(thresholds + rank * 4);
    setPlanes(thresholdPlanes, rank, reinterpret<u32>(threshold), 4);
    setPlanes(fixedPlanes, rank, rank < 15 ? fixed(threshold) : <u32>i16.MAX_VALUE, 2);
    setPlanes(valuePlanes, rank, reinterpret<u32>(load<f32>(values + rank * 4) * steps), 4);
    const code = load<u8>(from + 128 + rank);
    store<u8>(codeOfRank + rank, code << 4);
    store<u8>(codeOfRank + rank, code, 16);
  }
  comparisons = 0;
  let rank: u32 = 0;
  for (let cell: i32 = -16; cell < 16; cell++) {
    const before = rank;
    while (rank < 15 && min(<i32>fixed(load<f32>(thresholds + rank * 4)) >> 10, 15) <= cell) rank++;
    store<u8>(base + cell + 16, <u8>before);
    comparisons = max(comparisons, rank - before);
  }
}

function setPlanes(planes: usize, rank: u32, bits: u32, bytes: u32): void {
  for (let byte: u32 = 0; byte < bytes; byte++) store<u8>(planes + byte * 16 + rank, <u8>(bits >> (8 * byte)));
}

/** As `truncate` and the narrowing after it do it. */
function fixed(x: f32): i32 {
  return <i32>min<f32>(max<f32>(x * steps, i16.MIN_VALUE), i16.MAX_VALUE);
}

/** Numbers that loops load once: V8 builds a constant anew at each use. */
const constants = memory.data<u8>(
  [15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0, 0xf0],
  16,
);

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

/** Elements that are compared in float32 together where fixed point is not enough for one of them. */
const chunk: u32 = 64;

/**
 * Consecutive elements of a full block.
 * @param exactly whether to compare in float32; else in fixed point
 * @param x Float32 [a multiple of 32], of each 32 the even ones first
 * @param largest magnitude of the block
 * @param codes Uint8, one for two elements
 * @param record of these elements
 * @returns whether fixed point was enough
 */
// @ts-ignore: decorator
@inline
function encodePart(exactly: bool, x: usize, end: usize, largest: f32, codes: usize, record: usize): bool {
  const reciprocal: f32 = 1 / max(largest, leastAbsmax);
  const factor = f32x4.splat(exactly ? reciprocal : reciprocal * steps);
  const toSteps = f32x4.splat(steps);
  const lastCell = v128.load(constants);
  const negative = v128.load(constants, 16);
  const count = comparisons;
  const zero = i32x4.splat(0);
  // 0 where an element is at a threshold
  let apart = i32x4.splat(-1);
  let xx = i32x4.splat(0);
  let dd = i32x4.splat(0);
  let dv = i32x4.splat(0);
  for (; x < end; codes += 16) {
    let pairs = i32x4.splat(0);
    for (let nibble: usize = 0; nibble < 32; nibble += 16, x += 64) {
      let x0 = f32x4.mul(v128.load(x), factor);
      let x1 = f32x4.mul(v128.load(x, 16), factor);
      let x2 = f32x4.mul(v128.load(x, 32), factor);
      let x3 = f32x4.mul(v128.load(x, 48), factor);
      const y0 = x0;
      const y1 = x1;
      const y2 = x2;
      const y3 = x3;
      if (exactly) {
        x0 = f32x4.mul(x0, toSteps);
        x1 = f32x4.mul(x1, toSteps);
        x2 = f32x4.mul(x2, toSteps);
        x3 = f32x4.mul(x3, toSteps);
      }
      const fixed01 = i16x8.narrow_i32x4_s(truncate(x0), truncate(x1));
      const fixed23 = i16x8.narrow_i32x4_s(truncate(x2), truncate(x3));
      const cell = i8x16.min_s(i8x16.narrow_i16x8_s(i16x8.shr_s(fixed01, 10), i16x8.shr_s(fixed23, 10)), lastCell);
      // a swizzle gives 0 for indices past 127, so of the two halves of the table one answers
      let rank = v128.or(lookUp(v128.load(base), v128.xor(cell, negative)), lookUp(v128.load(base, 16), cell));
      for (let step: u32 = 0; step < count; step++) {
        if (exactly) {
          rank = compare(rank, y0, y1, y2, y3);
        } else {
          const low = lookUp(v128.load(fixedPlanes), rank);
          const high = lookUp(v128.load(fixedPlanes, 16), rank);
          const first = interleaveLow(low, high);
          const second = interleaveHigh(low, high);
          const above = i8x16.narrow_i16x8_s(i16x8.sub_sat_s(fixed01, first), i16x8.sub_sat_s(fixed23, second));
          rank = i8x16.sub(rank, i8x16.gt_s(above, zero));
          apart = i8x16.min_u(apart, above);
        }
      }
      pairs = v128.or(pairs, lookUp(v128.load(codeOfRank + nibble), rank));

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
    v128.store(codes, pairs);
  }
  if (!i8x16.all_true(apart)) return false;
  writeRecord(record, largest, xx, dd, dv, perSquare);
  return true;
}

/** A function by itself: it is seldom called, and large where it is inlined. */
function encodeExactly(x: usize, end: usize, largest: f32, codes: usize, record: usize): void {
  encodePart(true, x, end, largest, codes, record);
}

/** In fixed point where that is enough. */
// @ts-ignore: decorator
@inline
function encodeChunk(x: usize, end: usize, largest: f32, codes: usize, record: usize): void {
  if (largest >= leastStepped && encodePart(false, x, end, largest, codes, record)) return;
  encodeExactly(x, end, largest, codes, record);
}

/** A block of several chunks. */
function encodeChunks(x: usize, end: usize, largest: f32, codes: usize, record: usize): void {
  let sums = i32x4.splat(0);
  for (; x < end; x += chunk << 2, codes += chunk >> 1) {
    encodeChunk(x, x + (chunk << 2), largest, codes, record);
    sums = f32x4.add(sums, v128.load(record));
  }
  v128.store(record, f32x4.replace_lane(sums, 0, largest));
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
    const code = load<u8>(codeOfRank + rank, 16);
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
  const bytes = blockSize * sizeOf(dtype);
  const end = widened + (blockSize << 2);
  for (; count >= blockSize; count -= blockSize, x += bytes, codes += blockSize >> 1, records += 16) {
    const largest = splitBlock(x, dtype, blockSize, widened);
    if (!isFinite(largest, dtype)) return false;
    if (blockSize <= chunk) encodeChunk(widened, end, largest, codes, records);
    else encodeChunks(widened, end, largest, codes, records);
  }
  if (count == 0) return true;
  widen(x, dtype, count, widened);
  const largest = absmax(widened, widened + (count << 2));
  if (!isFinite(largest, dtype)) return false;
  encodeShort(widened, count, largest, codes, records);
  return true;
}
