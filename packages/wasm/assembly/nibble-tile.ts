// y = x Wᵀ for 4-bit codes and several tokens: eight rows are spread to levels once for a chunk of tokens, and meet two of
// them at a time, or four where codes are of a codebook. Sums run in the order of nibble-vector.ts, so that a token's result
// does not depend on the others beside it.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addScaled, addShifted, addUnit, addWords, evenBytes, oddBytes, scaled, storeEight, together, upper, widen } from './nibbles';
import { bytesStride, wordsStride } from './quantize-activations';
import { prepareOffset, prepareRows, shiftsOf } from './row-scales';
import { dotBytes, lookUp, lowBytes, lowNibbles, splat } from './simd';
import { tokenAt } from './unit-products';

/** Tokens that meet spread rows before the next ones are: their activations stay in the second-level cache. */
const chunk: u32 = 32;

/** Codes of eight rows, a byte each: of every 32 bytes the low nibbles, then the high ones. */
function spreadCodes(codes: usize, bytes: usize): void {
  const lowNibble = v128.load(lowNibbles);
  let out = Scratch.row;
  for (const end = codes + bytes; codes != end; codes += 32, out += 64) {
    const c = v128.load(codes);
    const d = v128.load(codes, 16);
    v128.store(out, v128.and(c, lowNibble));
    v128.store(out, v128.and(d, lowNibble), 16);
    v128.store(out, upper(c, lowNibble), 32);
    v128.store(out, upper(d, lowNibble), 48);
  }
}

/** Levels of four codes of four rows as words, 32 bytes: those in even bytes, then those in odd ones, two of each row. */
// @ts-ignore: decorator
@inline
function storeLevels(out: usize, levels: v128, lowByte: v128): void {
  v128.store(out, evenBytes(levels, lowByte));
  v128.store(out, oddBytes(levels), 16);
}

/** Levels of eight rows, 16 bits each: of every 32 bytes those of the low nibbles, then those of the high ones. */
function spreadLevels(codes: usize, bytes: usize, table: usize): void {
  const lowNibble = v128.load(lowNibbles);
  const lowByte = v128.load(lowBytes);
  const levels = v128.load(table);
  let out = Scratch.row;
  for (const end = codes + bytes; codes != end; codes += 32, out += 128) {
    const c = v128.load(codes);
    const d = v128.load(codes, 16);
    storeLevels(out, lookUp(levels, v128.and(c, lowNibble)), lowByte);
    storeLevels(out + 32, lookUp(levels, v128.and(d, lowNibble)), lowByte);
    storeLevels(out + 64, lookUp(levels, upper(c, lowNibble)), lowByte);
    storeLevels(out + 96, lookUp(levels, upper(d, lowNibble)), lowByte);
  }
}

// @ts-ignore: decorator
@inline
export function affineTile(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, unit: u32): void {
  const rowsBytes: usize = matrix.columns * (together / 2);
  const xStride = bytesStride(matrix.columns, unit);
  const unitBytes: usize = unit * together;
  const levelsEnd = Scratch.row + matrix.units * unitBytes;
  const shifts = shiftsOf(matrix);
  prepareOffset(matrix);
  const offset = Scratch.offset;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk) - 1;
    let codes = matrix.codes + from * (matrix.columns / 2);
    let column = out;
    for (let row = from; row < to; row += together, codes += rowsBytes, column += 4 * together) {
      prepareRows(matrix, row, Scratch.rowScales);
      spreadCodes(codes, rowsBytes);
      for (let token = first; token <= end; token += 2) {
        // a last token that is alone is its own neighbour
        let x0 = x + tokenAt(list, token) * xStride;
        let x1 = x + tokenAt(list, min(token + 1, end)) * xStride;
        let total00 = f32x4.splat(0);
        let total01 = f32x4.splat(0);
        let total10 = f32x4.splat(0);
        let total11 = f32x4.splat(0);
        let scales = Scratch.rowScales;
        for (let w = Scratch.row; w != levelsEnd; scales += 32, x0 += 16, x1 += 16) {
          let part00 = f32x4.splat(0);
          let part01 = f32x4.splat(0);
          let part10 = f32x4.splat(0);
          let part11 = f32x4.splat(0);
          const unitEnd = w + unitBytes;
          do {
            let a = v128.load(x0);
            let b = v128.load(x1);
            let v = v128.load(w);
            let u = v128.load(w, 16);
            let sums00 = dotBytes(a, v);
            let sums10 = dotBytes(b, v);
            let sums01 = dotBytes(a, u);
            let sums11 = dotBytes(b, u);
            a = v128.load(x0, 16);
            b = v128.load(x1, 16);
            v = v128.load(w, 32);
            u = v128.load(w, 48);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 32);
            b = v128.load(x1, 32);
            v = v128.load(w, 64);
            u = v128.load(w, 80);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 48);
            b = v128.load(x1, 48);
            v = v128.load(w, 96);
            u = v128.load(w, 112);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 64);
            b = v128.load(x1, 64);
            v = v128.load(w, 128);
            u = v128.load(w, 144);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 80);
            b = v128.load(x1, 80);
            v = v128.load(w, 160);
            u = v128.load(w, 176);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 96);
            b = v128.load(x1, 96);
            v = v128.load(w, 192);
            u = v128.load(w, 208);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 112);
            b = v128.load(x1, 112);
            v = v128.load(w, 224);
            u = v128.load(w, 240);
            sums00 = addBytes(sums00, a, v);
            sums10 = addBytes(sums10, b, v);
            sums01 = addBytes(sums01, a, u);
            sums11 = addBytes(sums11, b, u);
            a = v128.load(x0, 128);
            b = v128.load(x1, 128);
            part00 = addScaled(part00, widen(sums00), a, unit);
            part01 = addScaled(part01, widen(sums01), a, unit);
            part10 = addScaled(part10, widen(sums10), b, unit);
            part11 = addScaled(part11, widen(sums11), b, unit);
            w += 256;
            x0 += 144;
            x1 += 144;
          } while (unit != 32 && w != unitEnd);
          const sum0 = v128.load(x0);
          const sum1 = v128.load(x1);
          if (shifts == 0) {
            const added0 = f32x4.mul(sum0, v128.load(offset));
            total00 = addUnit(total00, part00, added0, v128.load(scales));
            total01 = addUnit(total01, part01, added0, v128.load(scales, 16));
            const added1 = f32x4.mul(sum1, v128.load(offset));
            total10 = addUnit(total10, part10, added1, v128.load(scales));
            total11 = addUnit(total11, part11, added1, v128.load(scales, 16));
          } else {
            total00 = addShifted(total00, part00, sum0, v128.load(scales), v128.load(scales + shifts));
            total01 = addShifted(total01, part01, sum0, v128.load(scales, 16), v128.load(scales + shifts, 16));
            total10 = addShifted(total10, part10, sum1, v128.load(scales), v128.load(scales + shifts));
            total11 = addShifted(total11, part11, sum1, v128.load(scales, 16), v128.load(scales + shifts, 16));
          }
        }
        const y = column + <usize>token * outStride;
        storeEight(y, total00, total01, to - row);
        if (token < end) storeEight(y + outStride, total10, total11, to - row);
      }
    }
  }
}

/** Adds a unit to what a token has so far of four rows: Float32 [4] at `total`. */
// @ts-ignore: decorator
@inline
function addToTotal(total: usize, dot: v128, scale: v128, sum: v128, scales: v128): void {
  v128.store(total, addUnit(v128.load(total), scaled(dot, scale), sum, scales));
}

/** Adds a unit to what a token has so far of eight rows: Float32 [8] at `total`. Its scale and sum are at `x`. */
// @ts-ignore: decorator
@inline
function addToTotals(total: usize, x: usize, first: v128, last: v128, scales: usize, offset: usize): void {
  const scale = splat(x);
  const sum = f32x4.mul(v128.load_splat<u32>(x, 4), v128.load(offset));
  addToTotal(total, first, scale, sum, v128.load(scales));
  addToTotal(total + 16, last, scale, sum, v128.load(scales, 16));
}

// @ts-ignore: decorator
@inline
export function codebookTile(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, unit: u32): void {
  const rowsBytes: usize = matrix.columns * (together / 2);
  const xStride = wordsStride(matrix.columns, unit);
  const unitBytes: usize = unit * (2 * together);
  const levelsEnd = Scratch.row + matrix.units * unitBytes;
  // Float32 [4, 8]: what four tokens have so far, in memory, because the sums of a unit need the registers
  const totals = Scratch.products;
  prepareOffset(matrix);
  const offset = Scratch.offset;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk) - 1;
    let codes = matrix.codes + from * (matrix.columns / 2);
    let column = out;
    for (let row = from; row < to; row += together, codes += rowsBytes, column += 4 * together) {
      prepareRows(matrix, row, Scratch.rowScales);
      spreadLevels(codes, rowsBytes, matrix.levels);
      for (let token = first; token <= end; token += 4) {
        // fewer than four repeat the last one
        let x0 = x + tokenAt(list, token) * xStride;
        let x1 = x + tokenAt(list, min(token + 1, end)) * xStride;
        let x2 = x + tokenAt(list, min(token + 2, end)) * xStride;
        let x3 = x + tokenAt(list, min(token + 3, end)) * xStride;
        for (let total = totals; total != totals + 128; total += 16) v128.store(total, f32x4.splat(0));
        let scales = Scratch.rowScales;
        for (let w = Scratch.row; w != levelsEnd; scales += 32) {
          let sums00 = i32x4.splat(0);
          let sums01 = i32x4.splat(0);
          let sums10 = i32x4.splat(0);
          let sums11 = i32x4.splat(0);
          let sums20 = i32x4.splat(0);
          let sums21 = i32x4.splat(0);
          let sums30 = i32x4.splat(0);
          let sums31 = i32x4.splat(0);
          const unitEnd = w + unitBytes;
          do {
            let a0 = v128.load_splat<u32>(x0);
            let a1 = v128.load_splat<u32>(x1);
            let a2 = v128.load_splat<u32>(x2);
            let a3 = v128.load_splat<u32>(x3);
            let v = v128.load(w);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 32);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 4);
            a1 = v128.load_splat<u32>(x1, 4);
            a2 = v128.load_splat<u32>(x2, 4);
            a3 = v128.load_splat<u32>(x3, 4);
            v = v128.load(w, 16);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 48);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 8);
            a1 = v128.load_splat<u32>(x1, 8);
            a2 = v128.load_splat<u32>(x2, 8);
            a3 = v128.load_splat<u32>(x3, 8);
            v = v128.load(w, 64);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 96);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 12);
            a1 = v128.load_splat<u32>(x1, 12);
            a2 = v128.load_splat<u32>(x2, 12);
            a3 = v128.load_splat<u32>(x3, 12);
            v = v128.load(w, 80);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 112);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 16);
            a1 = v128.load_splat<u32>(x1, 16);
            a2 = v128.load_splat<u32>(x2, 16);
            a3 = v128.load_splat<u32>(x3, 16);
            v = v128.load(w, 128);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 160);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 20);
            a1 = v128.load_splat<u32>(x1, 20);
            a2 = v128.load_splat<u32>(x2, 20);
            a3 = v128.load_splat<u32>(x3, 20);
            v = v128.load(w, 144);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 176);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 24);
            a1 = v128.load_splat<u32>(x1, 24);
            a2 = v128.load_splat<u32>(x2, 24);
            a3 = v128.load_splat<u32>(x3, 24);
            v = v128.load(w, 192);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 224);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            a0 = v128.load_splat<u32>(x0, 28);
            a1 = v128.load_splat<u32>(x1, 28);
            a2 = v128.load_splat<u32>(x2, 28);
            a3 = v128.load_splat<u32>(x3, 28);
            v = v128.load(w, 208);
            sums00 = addWords(sums00, a0, v);
            sums10 = addWords(sums10, a1, v);
            sums20 = addWords(sums20, a2, v);
            sums30 = addWords(sums30, a3, v);
            v = v128.load(w, 240);
            sums01 = addWords(sums01, a0, v);
            sums11 = addWords(sums11, a1, v);
            sums21 = addWords(sums21, a2, v);
            sums31 = addWords(sums31, a3, v);
            w += 256;
            x0 += 32;
            x1 += 32;
            x2 += 32;
            x3 += 32;
          } while (w != unitEnd);
          addToTotals(totals, x0, sums00, sums01, scales, offset);
          addToTotals(totals + 32, x1, sums10, sums11, scales, offset);
          addToTotals(totals + 64, x2, sums20, sums21, scales, offset);
          addToTotals(totals + 96, x3, sums30, sums31, scales, offset);
          x0 += 8;
          x1 += 8;
          x2 += 8;
          x3 += 8;
        }
        let y = column + <usize>token * outStride;
        const stored = totals + 32 * min(4, end + 1 - token);
        for (let total = totals; total != stored; total += 32, y += outStride) {
          storeEight(y, v128.load(total), v128.load(total, 16), to - row);
        }
      }
    }
  }
}
