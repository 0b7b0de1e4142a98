// From the records of blocks to what is stored of their scales, and to the squared norms of a matrix.
//   plain   the scale as it is
//   nested  mean m of the scales (float64, in order), then s' = map[code(s - m)] * nested + m, as
//           packages/quantizers/src/double-quant.ts says, bit for bit
// With D the unit of a block's sums and s what is stored in the end, w - s v = D d + (D - s) v, so
//   sum w w = D D xx,   sum of what was lost = D D dd + 2 D (D - s) dv + (D - s)^2 vv,   vv = xx - 2 dv - dd
import { divisorOf, prepareTables, rankOf, Tables } from './codebook8';
import { centred } from './scratch';

const tables = changetype<Tables>(memory.data(16, 16));
const tableData = memory.data(1024 + 1024 + 256 + 1040, 16);

let weights: f64 = 0;
let difference: f64 = 0;

/** Of what `finish` or `nest` was last called for. */
export function weightNorm(): f64 {
  return weights;
}

export function differenceNorm(): f64 {
  return difference;
}

// @ts-ignore: decorator
@inline
function account(record: usize, stored: f64, unit: f64): void {
  const xx: f64 = load<f32>(record, 4);
  const dd: f64 = load<f32>(record, 8);
  const dv: f64 = load<f32>(record, 12);
  const off = unit - stored;
  weights += unit * unit * xx;
  difference += unit * unit * dd + 2 * unit * off * dv + off * off * max<f64>(xx - 2 * dv - dd, 0);
}

/**
 * @param floor the least scale of which these records' unit is made
 * @param multiplier what the scale is multiplied by to be the unit, and the number that codes are multiplied by
 * @param scales Float32 [blocks]
 */
export function finish(records: usize, blocks: u32, floor: f32, multiplier: f64, scales: usize): void {
  weights = difference = 0;
  for (let block: u32 = 0; block < blocks; block++, records += 16, scales += 4) {
    const scale = load<f32>(records);
    store<f32>(scales, scale);
    account(records, <f64>scale * multiplier, <f64>max(scale, floor) * multiplier);
  }
}

/** @param from Float32 [256] thresholds, Float32 [256] values, Uint8 [256] codes, each by rank, of the nested codebook */
export function prepareNested(from: usize): void {
  prepareTables(tables, tableData, from);
}

/**
 * @param blockSize scales that share a nested one, a power of two up to 4096
 * @param codes Uint8 [blocks]
 * @param nested Float32 [ceil(blocks / blockSize)]
 * @returns the offset: the mean
 */
export function nest(records: usize, blocks: u32, blockSize: u32, floor: f32, codes: usize, nested: usize): f32 {
  weights = difference = 0;
  if (blocks == 0) return 0;
  let sum: f64 = 0;
  for (let block: u32 = 0; block < blocks; block++) sum += <f64>load<f32>(records + (block << 4));
  const mean = <f32>(sum / <f64>blocks);
  for (let first: u32 = 0; first < blocks; first += blockSize, nested += 4) {
    const count = min(blockSize, blocks - first);
    let largest: f32 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const value = load<f32>(records + ((first + i) << 4)) - mean;
      largest = max(largest, abs(value));
      store<f32>(centred + (i << 2), value);
    }
    const short = count < blockSize;
    const divisor = divisorOf(largest);
    const reciprocal: f32 = 1 / divisor;
    const scale = short ? divisor : largest;
    store<f32>(nested, scale);
    for (let i: u32 = 0; i < count; i++) {
      const value = load<f32>(centred + (i << 2));
      const rank = rankOf(tables, short ? value / divisor : value * reciprocal);
      store<u8>(codes + first + i, load<u8>(tables.codeOfRank + rank));
      const record = records + ((first + i) << 4);
      account(record, load<f32>(tables.values + (rank << 2)) * scale + mean, max(load<f32>(record), floor));
    }
  }
  return mean;
}
