// y = x Wᵀ for 4-bit codes and one token: codes are streamed once, straight through registers.
//   y = Σ over units u of  S[u] Σ a Σ level * activation  +  Z[u] Σ a Σ activation
// S, Z: what row-scales.ts says, Z = 0 for codebooks; a: scale of activations.
//
// Shapes: N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addScaled, addShifted, addUnit, addWords, joinRows, storeEight, together, upper, widen } from './nibbles';
import { bytesStride, wordsStride } from './quantize-activations';
import { prepareRows } from './row-scales';
import { dotBytes, interleaveHigh, interleaveLow, lookUp, lowNibbles } from './simd';
import { tokenAt } from './unit-products';

// @ts-ignore: decorator
@inline
export function affineVector(matrix: Matrix, token: usize, list: usize, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * bytesStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  let codes = matrix.codes;
  for (let row: u32 = 0; row < matrix.rows; row += together, out += 4 * together) {
    prepareRows(matrix, row);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 64, x += 16) {
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
      total0 = addShifted(total0, part0, sum, scales);
      total1 = addShifted(total1, part1, sum, scales + 32);
    }
    storeEight(out, total0, total1, matrix.rows - row);
  }
}

// @ts-ignore: decorator
@inline
export function codebookVector(matrix: Matrix, token: usize, list: usize, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * wordsStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const low = v128.load(matrix.levels);
  const high = v128.load(matrix.levels, 16);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  let codes = matrix.codes;
  for (let row: u32 = 0; row < matrix.rows; row += together, out += 4 * together) {
    prepareRows(matrix, row);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 64, x += 16) {
      let first0 = i32x4.splat(0);
      let last0 = i32x4.splat(0);
      let first1 = i32x4.splat(0);
      let last1 = i32x4.splat(0);
      const unitEnd = codes + unitBytes;
      do {
        let c = v128.load(codes);
        let d = v128.load(codes, 16);
        let a = v128.load(x);
        let n = v128.and(c, lowNibble);
        let l = lookUp(low, n);
        let h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = v128.and(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        a = v128.load(x, 16);
        n = upper(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = upper(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        c = v128.load(codes, 32);
        d = v128.load(codes, 48);
        a = v128.load(x, 32);
        n = v128.and(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = v128.and(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        a = v128.load(x, 48);
        n = upper(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = upper(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        c = v128.load(codes, 64);
        d = v128.load(codes, 80);
        a = v128.load(x, 64);
        n = v128.and(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = v128.and(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        a = v128.load(x, 80);
        n = upper(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = upper(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        c = v128.load(codes, 96);
        d = v128.load(codes, 112);
        a = v128.load(x, 96);
        n = v128.and(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = v128.and(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        a = v128.load(x, 112);
        n = upper(c, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first0 = addWords(first0, a, interleaveLow(l, h));
        last0 = addWords(last0, a, interleaveHigh(l, h));
        n = upper(d, lowNibble);
        l = lookUp(low, n);
        h = lookUp(high, n);
        first1 = addWords(first1, a, interleaveLow(l, h));
        last1 = addWords(last1, a, interleaveHigh(l, h));
        codes += 128;
        x += 128;
      } while (unit != 32 && codes != unitEnd);
      const scale = v128.load(x);
      total0 = addUnit(total0, joinRows(first0, last0), scale, scales);
      total1 = addUnit(total1, joinRows(first1, last1), scale, scales + 32);
    }
    storeEight(out, total0, total1, matrix.rows - row);
  }
}
