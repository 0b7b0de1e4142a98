// y = x Wᵀ for 4-bit codes and several tokens: eight rows are spread to levels once for a chunk of tokens, and meet two of
// them at a time. Sums run in the order of nibble-vector.ts, so that a token's result does not depend on the others beside
// it.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addScaled, addShifted, addUnit, addWords, evenBytes, joinRows, oddBytes, scaled, storeEight, together, upper, widen } from './nibbles';
import { bytesStride, wordsStride } from './quantize-activations';
import { prepareOffset, prepareRows, shiftsOf } from './row-scales';
import { dotBytes, lookUp, lowBytes, lowNibbles, splat, zipFirst, zipLast } from './simd';
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

/** Levels of four codes of four rows as words, 32 bytes: of each row those in even bytes, then those in odd ones. */
// @ts-ignore: decorator
@inline
function storeLevels(out: usize, levels: v128, lowByte: v128): void {
  const even = evenBytes(levels, lowByte);
  const odd = oddBytes(levels);
  v128.store(out, zipFirst(even, odd));
  v128.store(out, zipLast(even, odd), 16);
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

// @ts-ignore: decorator
@inline
export function codebookTile(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, unit: u32): void {
  const rowsBytes: usize = matrix.columns * (together / 2);
  const xStride = wordsStride(matrix.columns, unit);
  const unitBytes: usize = unit * (2 * together);
  const levelsEnd = Scratch.row + matrix.units * unitBytes;
  prepareOffset(matrix);
  const offset = Scratch.offset;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk) - 1;
    let codes = matrix.codes + from * (matrix.columns / 2);
    let column = out;
    for (let row = from; row < to; row += together, codes += rowsBytes, column += 4 * together) {
      prepareRows(matrix, row, Scratch.rowScales);
      spreadLevels(codes, rowsBytes, matrix.levels);
      for (let token = first; token <= end; token += 2) {
        // a last token that is alone is its own neighbour
        let x0 = x + tokenAt(list, token) * xStride;
        let x1 = x + tokenAt(list, min(token + 1, end)) * xStride;
        let total00 = f32x4.splat(0);
        let total01 = f32x4.splat(0);
        let total10 = f32x4.splat(0);
        let total11 = f32x4.splat(0);
        let scales = Scratch.rowScales;
        for (let w = Scratch.row; w != levelsEnd; scales += 32, x0 += 8, x1 += 8) {
          let first00 = i32x4.splat(0);
          let last00 = i32x4.splat(0);
          let first01 = i32x4.splat(0);
          let last01 = i32x4.splat(0);
          let first10 = i32x4.splat(0);
          let last10 = i32x4.splat(0);
          let first11 = i32x4.splat(0);
          let last11 = i32x4.splat(0);
          const unitEnd = w + unitBytes;
          do {
            let a = v128.load_splat<u64>(x0);
            let b = v128.load_splat<u64>(x1);
            let v = v128.load(w);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 16);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 32);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 48);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 8);
            b = v128.load_splat<u64>(x1, 8);
            v = v128.load(w, 64);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 80);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 96);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 112);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 16);
            b = v128.load_splat<u64>(x1, 16);
            v = v128.load(w, 128);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 144);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 160);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 176);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 24);
            b = v128.load_splat<u64>(x1, 24);
            v = v128.load(w, 192);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 208);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 224);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 240);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 32);
            b = v128.load_splat<u64>(x1, 32);
            v = v128.load(w, 256);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 272);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 288);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 304);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 40);
            b = v128.load_splat<u64>(x1, 40);
            v = v128.load(w, 320);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 336);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 352);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 368);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 48);
            b = v128.load_splat<u64>(x1, 48);
            v = v128.load(w, 384);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 400);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 416);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 432);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            a = v128.load_splat<u64>(x0, 56);
            b = v128.load_splat<u64>(x1, 56);
            v = v128.load(w, 448);
            first00 = addWords(first00, a, v);
            first10 = addWords(first10, b, v);
            v = v128.load(w, 464);
            last00 = addWords(last00, a, v);
            last10 = addWords(last10, b, v);
            v = v128.load(w, 480);
            first01 = addWords(first01, a, v);
            first11 = addWords(first11, b, v);
            v = v128.load(w, 496);
            last01 = addWords(last01, a, v);
            last11 = addWords(last11, b, v);
            w += 512;
            x0 += 64;
            x1 += 64;
          } while (unit != 32 && w != unitEnd);
          const scale0 = splat(x0);
          const sum0 = f32x4.mul(v128.load_splat<u32>(x0, 4), v128.load(offset));
          total00 = addUnit(total00, scaled(joinRows(first00, last00), scale0), sum0, v128.load(scales));
          total01 = addUnit(total01, scaled(joinRows(first01, last01), scale0), sum0, v128.load(scales, 16));
          const scale1 = splat(x1);
          const sum1 = f32x4.mul(v128.load_splat<u32>(x1, 4), v128.load(offset));
          total10 = addUnit(total10, scaled(joinRows(first10, last10), scale1), sum1, v128.load(scales));
          total11 = addUnit(total11, scaled(joinRows(first11, last11), scale1), sum1, v128.load(scales, 16));
        }
        const y = column + <usize>token * outStride;
        storeEight(y, total00, total01, to - row);
        if (token < end) storeEight(y + outStride, total10, total11, to - row);
      }
    }
  }
}
