// From the records of blocks to what is stored of their scales, and to the squared norms of a matrix.
//   plain   the scale as it is
//   nested  mean m of the scales (float64, in order), then s' = map[code(s - m)] * nested + m, as
//           packages/quantizers/src/double-quant.ts says, bit for bit
// With D the unit of a block's sums and s what is stored in the end, w - s v = D d + (D - s) v, so
//   sum w w = D D xx,   sum of what was lost = D D dd + 2 D (D - s) dv + (D - s)^2 vv,   vv = xx - 2 dv - dd
import { firstHalves, swapHalves, zipFirst, zipLast } from '../simd';
import { cellsOf, divisorOf, prepareTables, rankFrom, Tables } from './codebook8';
import { cellsOrValues, scaled } from './scratch';
import { largestLane } from './simd';

const tables = changetype<Tables>(memory.data(16, 16));
const tableData = memory.data(1024 + 1024 + 256 + 1040, 16);

/** What stands beside the last record of an odd number. */
const noRecord = memory.data(16, 16);

let weights: f64 = 0;
let difference: f64 = 0;

/** Of what `finish` or `nest` was last called for. */
export function weightNorm(): f64 {
  return weights;
}

export function differenceNorm(): f64 {
  return difference;
}

/** Of two records, beside each other: what was lost, with D `unit` and s `stored`. Float64 [2] all. */
// @ts-ignore: decorator
@inline
function lossOf(xx: v128, dd: v128, dv: v128, unit: v128, stored: v128): v128 {
  const off = f64x2.sub(unit, stored);
  const twice = f64x2.add(dv, dv);
  const vv = f64x2.max(f64x2.sub(xx, f64x2.add(twice, dd)), f64x2.splat(0));
  const inner = f64x2.add(f64x2.mul(f64x2.mul(unit, off), twice), f64x2.mul(f64x2.mul(off, off), vv));
  return f64x2.add(f64x2.mul(f64x2.mul(unit, unit), dd), inner);
}

// @ts-ignore: decorator
@inline
function widenFirst(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

// @ts-ignore: decorator
@inline
function widenLast(v: v128): v128 {
  return f64x2.promote_low_f32x4(swapHalves(v));
}

// @ts-ignore: decorator
@inline
function sumPair(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/**
 * Adds blocks to the norms, two at a time.
 * @param stored Float32 [count] scales, room for one more
 * @param floor the least scale of which these records' unit is made
 * @param multiplier what scales are multiplied by to be the unit, and the number that codes are multiplied by
 */
function account(records: usize, count: u32, stored: usize, floor: f32, multiplier: f64): void {
  const multipliers = f64x2.splat(multiplier);
  const floors = f32x4.splat(floor);
  let squares = i32x4.splat(0);
  let losses = i32x4.splat(0);
  // what stands beside the last of an odd number has to be a number
  if (count & 1) store<f32>(stored + (count << 2), 0);
  for (let i: u32 = 0; i < count; i += 2, records += 32, stored += 8) {
    const first = v128.load(records);
    const second = v128.load(i + 1 < count ? records + 16 : noRecord);
    const sx = zipFirst(first, second);
    const sums = zipLast(first, second);
    const s = f64x2.mul(widenFirst(v128.load64_zero(stored)), multipliers);
    const unit = f64x2.mul(widenFirst(f32x4.pmax(sx, floors)), multipliers);
    const xx = widenLast(sx);
    squares = f64x2.add(squares, f64x2.mul(f64x2.mul(unit, unit), xx));
    losses = f64x2.add(losses, lossOf(xx, widenFirst(sums), widenLast(sums), unit, s));
  }
  weights += sumPair(squares);
  difference += sumPair(losses);
}

/**
 * @param floor, multiplier as for `account`
 * @param scales Float32 [blocks], room for one more
 */
export function finish(records: usize, blocks: u32, floor: f32, multiplier: f64, scales: usize): void {
  for (let block: u32 = 0; block < blocks; block++) store<f32>(scales + (block << 2), load<f32>(records + (block << 4)));
  weights = difference = 0;
  account(records, blocks, scales, floor, multiplier);
}

/** @param from Float32 [256] thresholds, Float32 [256] values, Uint8 [256] codes, each by rank, of the nested codebook */
export function prepareNested(from: usize): void {
  prepareTables(tables, tableData, from);
}

/**
 * Puts the scales of records, less the mean, to `scaled`.
 * @returns the largest magnitude there
 */
function centre(records: usize, count: u32, mean: f32): f32 {
  const means = f32x4.splat(mean);
  const magnitude = i32x4.splat(0x7fffffff);
  let largest = i32x4.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4, records += 64) {
    const first = zipFirst(v128.load(records), v128.load(records, 16));
    const second = zipFirst(v128.load(records, 32), v128.load(records, 48));
    const value = f32x4.sub(firstHalves(first, second), means);
    largest = i32x4.max_s(largest, v128.and(value, magnitude));
    v128.store(scaled + (i << 2), value);
  }
  let most = largestLane(largest);
  for (; i < count; i++, records += 16) {
    const value = load<f32>(records) - mean;
    most = max<i32>(most, reinterpret<i32>(value) & 0x7fffffff);
    store<f32>(scaled + (i << 2), value);
  }
  return reinterpret<f32>(most);
}

/**
 * @param blockSize scales that share a nested one, a power of two up to 4096
 * @param codes Uint8 [blocks]
 * @param nested Float32 [ceil(blocks / blockSize)]
 * @returns the offset: the mean
 */
export function nest(records: usize, blocks: u32, blockSize: u32, floor: f32, codes: usize, nested: usize): f32 {
  let sum: f64 = 0;
  for (let block: u32 = 0; block < blocks; block++) sum += <f64>load<f32>(records + (block << 4));
  const mean: f32 = blocks == 0 ? 0 : <f32>(sum / <f64>blocks);
  const means = f32x4.splat(mean);
  weights = difference = 0;
  for (let first: u32 = 0; first < blocks; first += blockSize, nested += 4) {
    const count = min(blockSize, blocks - first);
    const largest = centre(records, count, mean);
    const short = count < blockSize;
    const divisor = divisorOf(largest);
    const scale = short ? divisor : largest;
    store<f32>(nested, scale);
    cellsOf(scaled, count, divisor, short, cellsOrValues);
    for (let at: usize = 0; at < count << 2; at += 4, codes++) {
      const rank = rankFrom(tables, load<u32>(cellsOrValues + at), load<f32>(scaled + at));
      store<u8>(codes, load<u8>(tables.codeOfRank + rank));
      store<f32>(cellsOrValues + at, load<f32>(tables.values + (rank << 2)));
    }
    const scales = f32x4.splat(scale);
    for (let at: usize = 0; at < count << 2; at += 16) {
      const values = v128.load(cellsOrValues + at);
      v128.store(cellsOrValues + at, f32x4.add(f32x4.mul(values, scales), means));
    }
    account(records, count, cellsOrValues, floor, 1);
    records += count << 4;
  }
  return mean;
}
