// y = x Wᵀ for 4-bit codes and one token: codes are streamed once, straight through registers; codebooks' for sixteen rows at a
// time, which share the activations' loads.
//   y = Σ over units u of  S[u] a Σ level * activation  +  Z[u] a Σ activation
// S, Z: what row-scales.ts says; a: scale of activations.
//
// Shapes: N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addLevels, addScaled, addShifted, addUnit, scaled, storeEight, together, upper, widen } from './nibbles';
import { bytesStride, wordsStride } from './quantize-activations';
import { prepareOffset, prepareRows, shiftsOf } from './row-scales';
import { dotBytes, lookUp, lowBytes, lowNibbles, splat } from './simd';
import { tokenAt } from './unit-products';

// @ts-ignore: decorator
@inline
export function affineVector(matrix: Matrix, token: usize, list: usize, from: u32, to: u32, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * bytesStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  const shifts = shiftsOf(matrix);
  prepareOffset(matrix);
  const offset = Scratch.offset;
  let codes = matrix.codes + from * (matrix.columns / 2);
  for (let row = from; row < to; row += together, out += 4 * together) {
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
      if (shifts == 0) {
        const added = f32x4.mul(sum, v128.load(offset));
        total0 = addUnit(total0, part0, added, v128.load(scales));
        total1 = addUnit(total1, part1, added, v128.load(scales, 16));
      } else {
        total0 = addShifted(total0, part0, sum, v128.load(scales), v128.load(scales + shifts));
        total1 = addShifted(total1, part1, sum, v128.load(scales, 16), v128.load(scales + shifts, 16));
      }
    }
    storeEight(out, total0, total1, to - row);
  }
}

// @ts-ignore: decorator
@inline
export function codebookVector(matrix: Matrix, token: usize, list: usize, from: u32, to: u32, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * wordsStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const lowByte = v128.load(lowBytes);
  const levels = v128.load(matrix.levels);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  prepareOffset(matrix);
  const offset = Scratch.offset;
  let codes = matrix.codes + from * (matrix.columns / 2);
  for (let row = from; row < to; row += 2 * together, codes += rowsBytes, out += 8 * together) {
    // eight rows that are the last are their own neighbours
    const both = row + together < to;
    let more = codes + (both ? rowsBytes : 0);
    prepareRows(matrix, row, Scratch.rowScales);
    const moreScales = both ? Scratch.shiftsAfter : 0;
    if (both) prepareRows(matrix, row + together, Scratch.rowScales + moreScales);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let total2 = f32x4.splat(0);
    let total3 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 32, x += 8) {
      let sums0 = i32x4.splat(0);
      let sums1 = i32x4.splat(0);
      let sums2 = i32x4.splat(0);
      let sums3 = i32x4.splat(0);
      const unitEnd = codes + unitBytes;
      do {
        let even = v128.load_splat<u32>(x);
        let odd = v128.load_splat<u32>(x, 4);
        let c0 = v128.load(codes);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c0, lowNibble)), even, odd, lowByte);
        let c1 = v128.load(codes, 16);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(c1, lowNibble)), even, odd, lowByte);
        let c2 = v128.load(more);
        sums2 = addLevels(sums2, lookUp(levels, v128.and(c2, lowNibble)), even, odd, lowByte);
        let c3 = v128.load(more, 16);
        sums3 = addLevels(sums3, lookUp(levels, v128.and(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 8);
        odd = v128.load_splat<u32>(x, 12);
        sums0 = addLevels(sums0, lookUp(levels, upper(c0, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(c1, lowNibble)), even, odd, lowByte);
        sums2 = addLevels(sums2, lookUp(levels, upper(c2, lowNibble)), even, odd, lowByte);
        sums3 = addLevels(sums3, lookUp(levels, upper(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 16);
        odd = v128.load_splat<u32>(x, 20);
        c0 = v128.load(codes, 32);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c0, lowNibble)), even, odd, lowByte);
        c1 = v128.load(codes, 48);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(c1, lowNibble)), even, odd, lowByte);
        c2 = v128.load(more, 32);
        sums2 = addLevels(sums2, lookUp(levels, v128.and(c2, lowNibble)), even, odd, lowByte);
        c3 = v128.load(more, 48);
        sums3 = addLevels(sums3, lookUp(levels, v128.and(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 24);
        odd = v128.load_splat<u32>(x, 28);
        sums0 = addLevels(sums0, lookUp(levels, upper(c0, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(c1, lowNibble)), even, odd, lowByte);
        sums2 = addLevels(sums2, lookUp(levels, upper(c2, lowNibble)), even, odd, lowByte);
        sums3 = addLevels(sums3, lookUp(levels, upper(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 32);
        odd = v128.load_splat<u32>(x, 36);
        c0 = v128.load(codes, 64);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c0, lowNibble)), even, odd, lowByte);
        c1 = v128.load(codes, 80);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(c1, lowNibble)), even, odd, lowByte);
        c2 = v128.load(more, 64);
        sums2 = addLevels(sums2, lookUp(levels, v128.and(c2, lowNibble)), even, odd, lowByte);
        c3 = v128.load(more, 80);
        sums3 = addLevels(sums3, lookUp(levels, v128.and(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 40);
        odd = v128.load_splat<u32>(x, 44);
        sums0 = addLevels(sums0, lookUp(levels, upper(c0, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(c1, lowNibble)), even, odd, lowByte);
        sums2 = addLevels(sums2, lookUp(levels, upper(c2, lowNibble)), even, odd, lowByte);
        sums3 = addLevels(sums3, lookUp(levels, upper(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 48);
        odd = v128.load_splat<u32>(x, 52);
        c0 = v128.load(codes, 96);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c0, lowNibble)), even, odd, lowByte);
        c1 = v128.load(codes, 112);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(c1, lowNibble)), even, odd, lowByte);
        c2 = v128.load(more, 96);
        sums2 = addLevels(sums2, lookUp(levels, v128.and(c2, lowNibble)), even, odd, lowByte);
        c3 = v128.load(more, 112);
        sums3 = addLevels(sums3, lookUp(levels, v128.and(c3, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 56);
        odd = v128.load_splat<u32>(x, 60);
        sums0 = addLevels(sums0, lookUp(levels, upper(c0, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(c1, lowNibble)), even, odd, lowByte);
        sums2 = addLevels(sums2, lookUp(levels, upper(c2, lowNibble)), even, odd, lowByte);
        sums3 = addLevels(sums3, lookUp(levels, upper(c3, lowNibble)), even, odd, lowByte);
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
    if (both) storeEight(out + 4 * together, total2, total3, to - row - together);
  }
}
