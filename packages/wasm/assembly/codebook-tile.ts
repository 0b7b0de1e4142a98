// y = x Wᵀ for 4-bit codes of a codebook and several tokens: as affine-tile.ts, with sixteen rows, spread to levels.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { pairsStride } from './activation-pairs';
import { Matrix, Scratch } from './matrix';
import { addPairs, addUnit, chunk, levelTable, scaled, spread, storeEight, interleavedRows } from './nibbles';
import { prepareOffset, prepareRows } from './row-scales';
import { lane0, lane1, lane2, lane3, splat } from './simd';
import { tokenAt } from './unit-products';

/** Adds a unit to what a token has so far of four rows: Float32 [4] at `total`. */
// @ts-ignore: decorator
@inline
function addToTotal(total: usize, dot: v128, scale: v128, sum: v128, scales: v128): void {
  v128.store(total, addUnit(v128.load(total), scaled(dot, scale), sum, scales));
}

/** Adds a unit to what a token has so far of sixteen rows: Float32 [16] at `total`. Its scale and sum are at `x`. */
// @ts-ignore: decorator
@inline
function addToTotals(total: usize, x: usize, a: v128, b: v128, c: v128, d: v128, scales: usize, more: usize, offset: usize): void {
  const scale = splat(x);
  const sum = f32x4.mul(v128.load_splat<u32>(x, 4), v128.load(offset));
  addToTotal(total, a, scale, sum, v128.load(scales));
  addToTotal(total + 16, b, scale, sum, v128.load(scales, 16));
  addToTotal(total + 32, c, scale, sum, v128.load(more));
  addToTotal(total + 48, d, scale, sum, v128.load(more, 16));
}

/** Sixteen results, of which the first `count` are stored. */
// @ts-ignore: decorator
@inline
function storeSixteen(out: usize, total: usize, count: u32): void {
  storeEight(out, v128.load(total), v128.load(total, 16), count);
  if (count > interleavedRows) storeEight(out + 4 * interleavedRows, v128.load(total, 32), v128.load(total, 48), count - interleavedRows);
}

// @ts-ignore: decorator
@inline
export function codebookTile(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, unit: u32): void {
  const rowsBytes: usize = matrix.columns * (interleavedRows / 2);
  const xStride = pairsStride(matrix.columns, unit);
  const unitBytes: usize = unit * interleavedRows;
  const levelsBytes = matrix.units * unitBytes;
  const levelsEnd = Scratch.row + levelsBytes;
  // Float32 [2, 16]: what two tokens have so far, in memory, because the sums of a unit need the registers
  const totals = Scratch.products;
  const levels = levelTable(matrix);
  prepareOffset(matrix);
  const offset = Scratch.offset;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk) - 1;
    let codes = matrix.codes + from * (matrix.columns / 2);
    let column = out;
    for (let row = from; row < to; row += 2 * interleavedRows, codes += 2 * rowsBytes, column += 8 * interleavedRows) {
      // eight rows that are the last are their own neighbours
      const both = row + interleavedRows < to;
      const moreLevels = both ? levelsBytes : 0;
      const moreScales = both ? Scratch.offsetsAfter : 0;
      prepareRows(matrix, row, Scratch.rowScales);
      if (both) prepareRows(matrix, row + interleavedRows, Scratch.rowScales + moreScales);
      spread(codes, both ? 2 * rowsBytes : rowsBytes, levels, true);
      for (let token = first; token <= end; token += 2) {
        // a last token that is alone is its own neighbour
        let x0 = x + tokenAt(list, token) * xStride;
        let x1 = x + tokenAt(list, min(token + 1, end)) * xStride;
        for (let total = totals; total != totals + 128; total += 16) v128.store(total, f32x4.splat(0));
        let scales = Scratch.rowScales;
        let u = Scratch.row + moreLevels;
        for (let w = Scratch.row; w != levelsEnd; scales += 32) {
          let sums00 = v128.load_splat<u32>(x0);
          let sums01 = sums00;
          let sums02 = sums00;
          let sums03 = sums00;
          let sums10 = v128.load_splat<u32>(x1);
          let sums11 = sums10;
          let sums12 = sums10;
          let sums13 = sums10;
          x0 += 4;
          x1 += 4;
          const unitEnd = w + unitBytes;
          do {
            let a: v128, m: v128, b: v128, n: v128, v: v128;
            a = v128.load(x0);
            m = lane1(a);
            a = lane0(a);
            b = v128.load(x1);
            n = lane1(b);
            b = lane0(b);
            v = v128.load(w);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 16);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 16);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0);
            m = lane3(a);
            a = lane2(a);
            b = v128.load(x1);
            n = lane3(b);
            b = lane2(b);
            v = v128.load(w, 32);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 48);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 32);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 48);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 16);
            m = lane1(a);
            a = lane0(a);
            b = v128.load(x1, 16);
            n = lane1(b);
            b = lane0(b);
            v = v128.load(w, 64);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 80);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 64);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 80);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 16);
            m = lane3(a);
            a = lane2(a);
            b = v128.load(x1, 16);
            n = lane3(b);
            b = lane2(b);
            v = v128.load(w, 96);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 112);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 96);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 112);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 32);
            m = lane1(a);
            a = lane0(a);
            b = v128.load(x1, 32);
            n = lane1(b);
            b = lane0(b);
            v = v128.load(w, 128);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 144);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 128);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 144);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 32);
            m = lane3(a);
            a = lane2(a);
            b = v128.load(x1, 32);
            n = lane3(b);
            b = lane2(b);
            v = v128.load(w, 160);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 176);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 160);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 176);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 48);
            m = lane1(a);
            a = lane0(a);
            b = v128.load(x1, 48);
            n = lane1(b);
            b = lane0(b);
            v = v128.load(w, 192);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 208);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 192);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 208);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            a = v128.load(x0, 48);
            m = lane3(a);
            a = lane2(a);
            b = v128.load(x1, 48);
            n = lane3(b);
            b = lane2(b);
            v = v128.load(w, 224);
            sums00 = addPairs(sums00, a, m, v);
            sums10 = addPairs(sums10, b, n, v);
            v = v128.load(w, 240);
            sums01 = addPairs(sums01, a, m, v);
            sums11 = addPairs(sums11, b, n, v);
            v = v128.load(u, 224);
            sums02 = addPairs(sums02, a, m, v);
            sums12 = addPairs(sums12, b, n, v);
            v = v128.load(u, 240);
            sums03 = addPairs(sums03, a, m, v);
            sums13 = addPairs(sums13, b, n, v);
            w += 256;
            u += 256;
            x0 += 64;
            x1 += 64;
          } while (unit != 32 && w != unitEnd);
          const more = scales + moreScales;
          addToTotals(totals, x0, sums00, sums01, sums02, sums03, scales, more, offset);
          addToTotals(totals + 64, x1, sums10, sums11, sums12, sums13, scales, more, offset);
          x0 += 8;
          x1 += 8;
        }
        const y = column + <usize>token * outStride;
        storeSixteen(y, totals, to - row);
        if (token < end) storeSixteen(y + outStride, totals + 64, to - row);
      }
    }
  }
}
