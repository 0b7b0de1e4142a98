// Blocks to 8-bit codes of any codebook, the arithmetic of codebook4, element by element: a table of 1025 cells says where the
// search for the rank begins. It serves double quantization, whose values are the scales of blocks, and 8-bit codebooks.
import { leastAbsmax } from './codebook4';
import { absmax } from './record';
import { tile, widened } from './scratch';
import { truncate } from './simd';
import { isFinite, sizeOf, widen } from './widen';

/** Cells to each side of zero. */
const cells: f32 = 512;

/** Tables of one codebook: Float32 [256] thresholds, the last infinite, and values by rank; codes by rank; cells to ranks. */
@unmanaged
export class Tables {
  thresholds: usize;
  values: usize;
  codeOfRank: usize;
  firstRank: usize;
}

const own = changetype<Tables>(memory.data(16, 16));
const ownData = memory.data(1024 + 1024 + 256 + 1040, 16);

function cellOf(x: f32): u32 {
  return <u32>(x * cells + cells);
}

/** @param from Float32 [256] thresholds, Float32 [256] values, Uint8 [256] codes, each by rank; @param data 3344 bytes */
export function prepareTables(tables: Tables, data: usize, from: usize): void {
  memory.copy(data, from, 2304);
  tables.thresholds = data;
  tables.values = data + 1024;
  tables.codeOfRank = data + 2048;
  tables.firstRank = data + 2304;
  let rank: u32 = 0;
  for (let cell: u32 = 0; cell <= 1024; cell++) {
    while (rank < 255 && cellOf(load<f32>(data + (rank << 2))) < cell) rank++;
    store<u8>(tables.firstRank + cell, <u8>rank);
  }
}

/** @param from as for `prepareTables` */
export function prepareCodebook8(from: usize): void {
  prepareTables(own, ownData, from);
}

/** The rank of the value that is nearest to `scaled`, from -1 to 1, which is in that cell. */
// @ts-ignore: decorator
@inline
export function rankFrom(tables: Tables, cell: u32, scaled: f32): u32 {
  let rank: u32 = load<u8>(tables.firstRank + cell);
  while (scaled > load<f32>(tables.thresholds + (rank << 2))) rank++;
  return rank;
}

/**
 * Scales numbers to -1 to 1, in place, and finds their cells, four at a time.
 * @param x Float32 [count], room for three more, here and in `found`
 * @param short whether to divide; else to multiply by the reciprocal
 * @param found Uint32 [count]
 */
export function cellsOf(x: usize, count: u32, divisor: f32, short: bool, found: usize): void {
  const divisors = f32x4.splat(divisor);
  const reciprocals = f32x4.splat(1 / divisor);
  const width = f32x4.splat(cells);
  for (let i: u32 = 0; i < count; i += 4, x += 16, found += 16) {
    const value = v128.load(x);
    const scaled = short ? f32x4.div(value, divisors) : f32x4.mul(value, reciprocals);
    v128.store(x, scaled);
    v128.store(found, truncate(f32x4.add(f32x4.mul(scaled, width), width)));
  }
}

/** By what a block of that largest magnitude is divided; where it is short, this is also the scale that is stored. */
// @ts-ignore: decorator
@inline
export function divisorOf(largest: f32): f32 {
  return max(largest, leastAbsmax);
}

/** One block of that largest magnitude. */
function encodeBlock8(x: usize, count: u32, blockSize: u32, largest: f32, codes: usize, record: usize): void {
  const short = count < blockSize;
  const divisor = divisorOf(largest);
  const reciprocal: f32 = 1 / divisor;
  let xx: f64 = 0;
  let dd: f64 = 0;
  let dv: f64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const w = load<f32>(x + (i << 2));
    const scaled = short ? w / divisor : w * reciprocal;
    const rank = rankFrom(own, cellOf(scaled), scaled);
    store<u8>(codes + i, load<u8>(own.codeOfRank + rank));
    const value: f64 = load<f32>(own.values + (rank << 2));
    const lost = <f64>scaled - value;
    xx += <f64>scaled * <f64>scaled;
    dd += lost * lost;
    dv += lost * value;
  }
  store<f32>(record, short ? divisor : largest);
  store<f32>(record, <f32>xx, 4);
  store<f32>(record, <f32>dd, 8);
  store<f32>(record, <f32>dv, 12);
}

/**
 * Encodes `count` elements from the beginning of a block on; parameters as for `encodeCodebook4`.
 * @param codes Uint8 [count]
 */
export function encodeCodebook8(x: usize, dtype: u32, count: u32, blockSize: u32, codes: usize, records: usize): bool {
  for (let done: u32 = 0; done < count; done += tile) {
    const length = min(tile, count - done);
    widen(x + done * sizeOf(dtype), dtype, length, widened);
    for (let first: u32 = 0; first < length; first += blockSize, records += 16) {
      const size = min(blockSize, length - first);
      const at = widened + (first << 2);
      const largest = absmax(at, at + (size << 2));
      if (!isFinite(largest, dtype)) return false;
      encodeBlock8(at, size, blockSize, largest, codes + done + first, records);
    }
  }
  return true;
}
