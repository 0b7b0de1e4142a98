// y = x Wᵀ for 4-bit codes and one token: codes are streamed once, straight through registers.
//   y = Σ over units u of  S[u] a Σ level * activation  +  Z[u] a Σ activation
// S, Z: what row-scales.ts says; a: scale of activations.
//
// Shapes: N rows, K columns, U units of a row.
import { Matrix, Scratch } from './matrix';
import { addBytes, addLevels, addScaled, addShifted, addUnit, scaled, storeEight, together, upper, widen } from './nibbles';
import { bytesStride, wordsStride } from './quantize-activations';
import { offset, prepareOffset, prepareRows, shiftsOf } from './row-scales';
import { dotBytes, lookUp, lowBytes, lowNibbles, splat } from './simd';
import { tokenAt } from './unit-products';

// @ts-ignore: decorator
@inline
export function affineVector(matrix: Matrix, token: usize, list: usize, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * bytesStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  const shifts = shiftsOf(matrix);
  prepareOffset(matrix);
  let codes = matrix.codes;
  for (let row: u32 = 0; row < matrix.rows; row += together, out += 4 * together) {
    prepareRows(matrix, row);
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
    storeEight(out, total0, total1, matrix.rows - row);
  }
}

// @ts-ignore: decorator
@inline
export function codebookVector(matrix: Matrix, token: usize, list: usize, out: usize, unit: u32): void {
  token += tokenAt(list, 0) * wordsStride(matrix.columns, unit);
  const lowNibble = v128.load(lowNibbles);
  const lowByte = v128.load(lowBytes);
  const levels = v128.load(matrix.levels);
  const rowsBytes = matrix.columns * (together / 2);
  const unitBytes: usize = unit * (together / 2);
  prepareOffset(matrix);
  let codes = matrix.codes;
  for (let row: u32 = 0; row < matrix.rows; row += together, out += 4 * together) {
    prepareRows(matrix, row);
    let total0 = f32x4.splat(0);
    let total1 = f32x4.splat(0);
    let x = token;
    let scales = Scratch.rowScales;
    for (const end = codes + rowsBytes; codes != end; scales += 32, x += 8) {
      let sums0 = i32x4.splat(0);
      let sums1 = i32x4.splat(0);
      const unitEnd = codes + unitBytes;
      do {
        let c = v128.load(codes);
        let d = v128.load(codes, 16);
        let even = splat(x);
        let odd = v128.load_splat<u32>(x, 4);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(d, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 8);
        odd = v128.load_splat<u32>(x, 12);
        sums0 = addLevels(sums0, lookUp(levels, upper(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(d, lowNibble)), even, odd, lowByte);
        c = v128.load(codes, 32);
        d = v128.load(codes, 48);
        even = v128.load_splat<u32>(x, 16);
        odd = v128.load_splat<u32>(x, 20);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(d, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 24);
        odd = v128.load_splat<u32>(x, 28);
        sums0 = addLevels(sums0, lookUp(levels, upper(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(d, lowNibble)), even, odd, lowByte);
        c = v128.load(codes, 64);
        d = v128.load(codes, 80);
        even = v128.load_splat<u32>(x, 32);
        odd = v128.load_splat<u32>(x, 36);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(d, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 40);
        odd = v128.load_splat<u32>(x, 44);
        sums0 = addLevels(sums0, lookUp(levels, upper(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(d, lowNibble)), even, odd, lowByte);
        c = v128.load(codes, 96);
        d = v128.load(codes, 112);
        even = v128.load_splat<u32>(x, 48);
        odd = v128.load_splat<u32>(x, 52);
        sums0 = addLevels(sums0, lookUp(levels, v128.and(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, v128.and(d, lowNibble)), even, odd, lowByte);
        even = v128.load_splat<u32>(x, 56);
        odd = v128.load_splat<u32>(x, 60);
        sums0 = addLevels(sums0, lookUp(levels, upper(c, lowNibble)), even, odd, lowByte);
        sums1 = addLevels(sums1, lookUp(levels, upper(d, lowNibble)), even, odd, lowByte);
        codes += 128;
        x += 64;
      } while (unit != 32 && codes != unitEnd);
      const scale = splat(x);
      const sum = f32x4.mul(v128.load_splat<u32>(x, 4), v128.load(offset));
      total0 = addUnit(total0, scaled(sums0, scale), sum, v128.load(scales));
      total1 = addUnit(total1, scaled(sums1, scale), sum, v128.load(scales, 16));
    }
    storeEight(out, total0, total1, matrix.rows - row);
  }
}
