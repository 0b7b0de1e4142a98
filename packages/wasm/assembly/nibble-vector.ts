// y = x Wᵀ for 4-bit codes and one token: codes are streamed once, straight through registers; codebooks' for sixteen rows at a
// time, which share the activations' loads.
//   y = Σ over units u of  S[u] a Σ level * activation  +  Z[u] a Σ activation
// S, Z: what row-scales.ts says; a: scale of activations.
//
// Shapes: N rows, K columns, U units of a row.
import { pairsStride } from './activation-pairs';
import { Matrix, Scratch } from './matrix';
import { addBytes, addPairs, addScaled, addWithOffsets, addUnit, levelTable, scaled, storeEight, interleavedRows, upper, widen } from './nibbles';
import { bytesStride } from './quantize-activations';
import { prepareOffset, prepareRows, offsetsOf } from './row-scales';
import { dotBytes, lane0, lane1, lane2, lane3, lookUp, lowNibbles, splat } from './simd';
import { tokenAt } from './unit-products';

// @ts-ignore: decorator
@inline
export function affineVector(matrix: Matrix, token: usize, list: usize, from: u32, to: u32, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * bytesStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const rowsBytes = matrix.columns * (interleavedRows / 2);
  const unitBytes: usize = unit * (interleavedRows / 2);
  const offsets = offsetsOf(matrix);
  prepareOffset(matrix);
  const offset = Scratch.offset;
  let codes = matrix.codes + from * (matrix.columns / 2);
  for (let row = from; row < to; row += interleavedRows, out += 4 * interleavedRows) {
    prepareRows(matrix, row, Scratch.rowScales);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 32, x += 16) {
      let part0 = f32x4.splat(0);
      let part1 = f32x4.splat(0);
      const unitEnd = codes + unitBytes;
      do {
        let c = v128.load(codes);
        let d = v128.load(codes, 16);
        let a = v128.load(x);
        let sums0 = dotBytes(a, v128.and(c, lowNibble));
        let sums1 = dotBytes(a, v128.and(d, lowNibble));
        a = v128.load(x, 16);
        sums0 = addBytes(sums0, a, upper(c, lowNibble));
        sums1 = addBytes(sums1, a, upper(d, lowNibble));
        c = v128.load(codes, 32);
        d = v128.load(codes, 48);
        a = v128.load(x, 32);
        sums0 = addBytes(sums0, a, v128.and(c, lowNibble));
        sums1 = addBytes(sums1, a, v128.and(d, lowNibble));
        a = v128.load(x, 48);
        sums0 = addBytes(sums0, a, upper(c, lowNibble));
        sums1 = addBytes(sums1, a, upper(d, lowNibble));
        c = v128.load(codes, 64);
        d = v128.load(codes, 80);
        a = v128.load(x, 64);
        sums0 = addBytes(sums0, a, v128.and(c, lowNibble));
        sums1 = addBytes(sums1, a, v128.and(d, lowNibble));
        a = v128.load(x, 80);
        sums0 = addBytes(sums0, a, upper(c, lowNibble));
        sums1 = addBytes(sums1, a, upper(d, lowNibble));
        c = v128.load(codes, 96);
        d = v128.load(codes, 112);
        a = v128.load(x, 96);
        sums0 = addBytes(sums0, a, v128.and(c, lowNibble));
        sums1 = addBytes(sums1, a, v128.and(d, lowNibble));
        a = v128.load(x, 112);
        sums0 = addBytes(sums0, a, upper(c, lowNibble));
        sums1 = addBytes(sums1, a, upper(d, lowNibble));
        const scale = v128.load(x, 128);
        part0 = addScaled(part0, widen(sums0), scale, unit);
        part1 = addScaled(part1, widen(sums1), scale, unit);
        codes += 128;
        x += 144;
      } while (unit != 32 && codes != unitEnd);
      const sum = v128.load(x);
      if (offsets == 0) {
        const added = f32x4.mul(sum, v128.load(offset));
        total0 = addUnit(total0, part0, added, v128.load(scales));
        total1 = addUnit(total1, part1, added, v128.load(scales, 16));
      } else {
        total0 = addWithOffsets(total0, part0, sum, v128.load(scales), v128.load(scales + offsets));
        total1 = addWithOffsets(total1, part1, sum, v128.load(scales, 16), v128.load(scales + offsets, 16));
      }
    }
    storeEight(out, total0, total1, to - row);
  }
}

/** Four codes in low and four in high nibbles of each of four rows, against the pairs of these and of those. */
// @ts-ignore: decorator
@inline
function addCodes(sums: v128, codes: v128, levels: v128, lowNibble: v128, a: v128, m: v128, b: v128, n: v128): v128 {
  sums = addPairs(sums, a, m, lookUp(levels, v128.and(codes, lowNibble)));
  return addPairs(sums, b, n, lookUp(levels, upper(codes, lowNibble)));
}

// @ts-ignore: decorator
@inline
export function codebookVector(matrix: Matrix, token: usize, list: usize, from: u32, to: u32, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * pairsStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const levels = levelTable(matrix);
  const rowsBytes = matrix.columns * (interleavedRows / 2);
  const unitBytes: usize = unit * (interleavedRows / 2);
  prepareOffset(matrix);
  const offset = Scratch.offset;
  let codes = matrix.codes + from * (matrix.columns / 2);
  for (let row = from; row < to; row += 2 * interleavedRows, codes += rowsBytes, out += 8 * interleavedRows) {
    // eight rows that are the last are their own neighbours
    const both = row + interleavedRows < to;
    let more = codes + (both ? rowsBytes : 0);
    prepareRows(matrix, row, Scratch.rowScales);
    const moreScales = both ? Scratch.offsetsAfter : 0;
    if (both) prepareRows(matrix, row + interleavedRows, Scratch.rowScales + moreScales);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let total2 = f32x4.splat(0);
    let total3 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 32, x += 8) {
      let sums0 = v128.load_splat<u32>(x);
      let sums1 = sums0;
      let sums2 = sums0;
      let sums3 = sums0;
      x += 4;
      const unitEnd = codes + unitBytes;
      do {
        let w: v128, a: v128, m: v128, b: v128, n: v128;
        w = v128.load(x);
        a = lane0(w);
        m = lane1(w);
        b = lane2(w);
        n = lane3(w);
        sums0 = addCodes(sums0, v128.load(codes), levels, lowNibble, a, m, b, n);
        sums1 = addCodes(sums1, v128.load(codes, 16), levels, lowNibble, a, m, b, n);
        sums2 = addCodes(sums2, v128.load(more), levels, lowNibble, a, m, b, n);
        sums3 = addCodes(sums3, v128.load(more, 16), levels, lowNibble, a, m, b, n);
        w = v128.load(x, 16);
        a = lane0(w);
        m = lane1(w);
        b = lane2(w);
        n = lane3(w);
        sums0 = addCodes(sums0, v128.load(codes, 32), levels, lowNibble, a, m, b, n);
        sums1 = addCodes(sums1, v128.load(codes, 48), levels, lowNibble, a, m, b, n);
        sums2 = addCodes(sums2, v128.load(more, 32), levels, lowNibble, a, m, b, n);
        sums3 = addCodes(sums3, v128.load(more, 48), levels, lowNibble, a, m, b, n);
        w = v128.load(x, 32);
        a = lane0(w);
        m = lane1(w);
        b = lane2(w);
        n = lane3(w);
        sums0 = addCodes(sums0, v128.load(codes, 64), levels, lowNibble, a, m, b, n);
        sums1 = addCodes(sums1, v128.load(codes, 80), levels, lowNibble, a, m, b, n);
        sums2 = addCodes(sums2, v128.load(more, 64), levels, lowNibble, a, m, b, n);
        sums3 = addCodes(sums3, v128.load(more, 80), levels, lowNibble, a, m, b, n);
        w = v128.load(x, 48);
        a = lane0(w);
        m = lane1(w);
        b = lane2(w);
        n = lane3(w);
        sums0 = addCodes(sums0, v128.load(codes, 96), levels, lowNibble, a, m, b, n);
        sums1 = addCodes(sums1, v128.load(codes, 112), levels, lowNibble, a, m, b, n);
        sums2 = addCodes(sums2, v128.load(more, 96), levels, lowNibble, a, m, b, n);
        sums3 = addCodes(sums3, v128.load(more, 112), levels, lowNibble, a, m, b, n);
        codes += 128;
        more += 128;
        x += 64;
      } while (unit != 32 && codes != unitEnd);
      const scale = splat(x);
      const sum = f32x4.mul(v128.load_splat<u32>(x, 4), v128.load(offset));
      total0 = addUnit(total0, scaled(sums0, scale), sum, v128.load(scales));
      total1 = addUnit(total1, scaled(sums1, scale), sum, v128.load(scales, 16));
      total2 = addUnit(total2, scaled(sums2, scale), sum, v128.load(scales + moreScales));
      total3 = addUnit(total3, scaled(sums3, scale), sum, v128.load(scales + moreScales, 16));
    }
    storeEight(out, total0, total1, to - row);
    if (both) storeEight(out + 4 * interleavedRows, total2, total3, to - row - interleavedRows);
  }
}
