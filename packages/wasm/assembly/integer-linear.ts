// y = x Wᵀ for integer codes: rows of W against quantized activations, decoded in registers.
//   y = Σ over units u of  S[u] a[u] (levelStep * Σ level * activation)  +  Z[u] * a[u] Σ activation
// S: scale of the unit, a: scale of the activations, Z: what is added to each weight, levelOffset * S or the unit's own.
//
// Activations have 15 bits and levels 14, but for affine 4-bit codes, which are their own levels: there both fit bytes.
//
// One token: codes are streamed once, straight through registers. More: a row is decoded to levels once for a chunk of
// tokens and meets four tokens at a time. Both add up in the same order, so a token's result does not depend on the
// others beside it.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { dotAffine4, dotSpread, spreadCodes4 } from './byte-dot';
import { decodeCodes4, dotCodes4, dotCodes8, dotLevels, load8 } from './integer-dot';
import { Kernel, Matrix, Scratch } from './matrix';
import { scalesStride } from './quantize-activations';
import { lowNibbles, sumLanes } from './simd';
import { accumulate, addedTo, prepareRow, scaleUnits, scaleUnitsOfFour, tokenAt } from './unit-products';

/** Tokens that meet a decoded row before the next one is decoded: their activations stay in the second-level cache. */
const chunk: u32 = 32;

// @ts-ignore: decorator
@inline
function isCodes4(kernel: u32): bool {
  return kernel == Kernel.affine4 || kernel == Kernel.codebook4;
}

/** Of one activation, and of one level of a decoded row. */
// @ts-ignore: decorator
@inline
function bytesOf(kernel: u32): u32 {
  return kernel == Kernel.affine4 ? 1 : 2;
}

/** All rows against one token. */
// @ts-ignore: decorator
@inline
export function vector(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize, kernel: u32, unit: u32): void {
  const token = tokenAt(list, 0);
  const units = token * scalesStride(matrix.columns, unit);
  x += token * (matrix.columns << 1);
  scales += units;
  sums += units;
  const lowNibble = v128.load(lowNibbles);
  const low = v128.load(matrix.levels);
  const high = v128.load(matrix.levels, 16);
  const rowBytes = isCodes4(kernel) ? matrix.columns >> 1 : matrix.columns;
  const last = matrix.firstRow + matrix.rows;
  let code = matrix.codes + matrix.firstRow * rowBytes;
  for (let row = matrix.firstRow; row < last; row++) {
    prepareRow(matrix, row, kernel);
    const added = scaleUnits(matrix, scales, sums, kernel);
    let total = f32x4.splat(0);
    let activation = x;
    let product = Scratch.products;
    for (const end = code + rowBytes; code != end; ) {
      let dot: v128;
      if (kernel == Kernel.affine4) {
        dot = dotAffine4(activation, code, lowNibble, unit);
        code += unit >> 1;
      } else if (isCodes4(kernel)) {
        dot = dotCodes4(activation, v128.load(code), lowNibble, low, high);
        if (unit == 64) dot = i32x4.add(dot, dotCodes4(activation + 64, v128.load(code, 16), lowNibble, low, high));
        code += unit >> 1;
      } else {
        dot = dotCodes8(activation, code, kernel);
        if (unit == 64) dot = i32x4.add(dot, dotCodes8(activation + 64, code + 32, kernel));
        code += unit;
      }
      total = accumulate(total, dot, product);
      activation += unit * bytesOf(kernel);
      product += 4;
    }
    store<f32>(out, sumLanes(total) * matrix.levelStep + added);
    out += 4;
  }
}

/** The levels of one row, [K], in the order of the quantized activations and as wide. */
// @ts-ignore: decorator
@inline
function decodeRow(code: usize, rowBytes: usize, lowNibble: v128, low: v128, high: v128, kernel: u32): void {
  let out = Scratch.row;
  const end = code + rowBytes;
  if (kernel == Kernel.affine4) {
    for (; code != end; code += 16, out += 32) spreadCodes4(out, v128.load(code), lowNibble);
  } else if (isCodes4(kernel)) {
    for (; code != end; code += 16, out += 64) decodeCodes4(out, v128.load(code), lowNibble, low, high);
  } else {
    for (; code != end; code += 8, out += 16) v128.store(out, load8(code, kernel));
  }
}

// @ts-ignore: decorator
@inline
function accumulateUnit(total: v128, activation: usize, levels: usize, product: usize, kernel: u32, unit: u32): v128 {
  if (kernel == Kernel.affine4) return accumulate(total, dotSpread(activation, levels, unit), product);
  let dot = dotLevels(activation, levels);
  if (unit == 64) dot = i32x4.add(dot, dotLevels(activation + 64, levels + 64));
  return accumulate(total, dot, product);
}

/** All rows against `tokens` tokens. */
// @ts-ignore: decorator
@inline
export function tile(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize, kernel: u32, unit: u32): void {
  const lowNibble = v128.load(lowNibbles);
  const low = v128.load(matrix.levels);
  const high = v128.load(matrix.levels, 16);
  const rowBytes = isCodes4(kernel) ? matrix.columns >> 1 : matrix.columns;
  const xStride = matrix.columns << 1;
  const unitsStride = scalesStride(matrix.columns, unit);
  const last = matrix.firstRow + matrix.rows;
  const unitBytes: usize = unit * bytesOf(kernel);
  const levelsEnd = Scratch.row + matrix.columns * bytesOf(kernel);
  const step = matrix.levelStep;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const chunkEnd = min(tokens, first + chunk);
    let code = matrix.codes + matrix.firstRow * rowBytes;
    let column = out;
    for (let row = matrix.firstRow; row < last; row++, code += rowBytes, column += 4) {
      prepareRow(matrix, row, kernel);
      decodeRow(code, rowBytes, lowNibble, low, high, kernel);
      for (let token = first; token < chunkEnd; token += 4) {
        // a tile of fewer than four repeats its last token and stores it once
        const end = chunkEnd - 1;
        const t0 = tokenAt(list, token);
        const t1 = tokenAt(list, min(token + 1, end));
        const t2 = tokenAt(list, min(token + 2, end));
        const t3 = tokenAt(list, min(token + 3, end));
        let product = Scratch.products;
        const u0 = t0 * unitsStride;
        const u1 = t1 * unitsStride;
        const u2 = t2 * unitsStride;
        const u3 = t3 * unitsStride;
        scaleUnitsOfFour(matrix, scales + u0, scales + u1, scales + u2, scales + u3);
        let x0 = x + t0 * xStride;
        let x1 = x + t1 * xStride;
        let x2 = x + t2 * xStride;
        let x3 = x + t3 * xStride;
        let total0 = f32x4.splat(0);
        let total1 = f32x4.splat(0);
        let total2 = f32x4.splat(0);
        let total3 = f32x4.splat(0);
        for (let levels = Scratch.row; levels != levelsEnd; levels += unitBytes) {
          total0 = accumulateUnit(total0, x0, levels, product, kernel, unit);
          total1 = accumulateUnit(total1, x1, levels, product + 4, kernel, unit);
          total2 = accumulateUnit(total2, x2, levels, product + 8, kernel, unit);
          total3 = accumulateUnit(total3, x3, levels, product + 12, kernel, unit);
          x0 += unitBytes;
          x1 += unitBytes;
          x2 += unitBytes;
          x3 += unitBytes;
          product += 16;
        }
        const y = column + <usize>token * outStride;
        store<f32>(y, sumLanes(total0) * step + addedTo(matrix, sums + u0, kernel));
        if (token < end) store<f32>(y + outStride, sumLanes(total1) * step + addedTo(matrix, sums + u1, kernel));
        if (token + 1 < end) store<f32>(y + 2 * outStride, sumLanes(total2) * step + addedTo(matrix, sums + u2, kernel));
        if (token + 2 < end) store<f32>(y + 3 * outStride, sumLanes(total3) * step + addedTo(matrix, sums + u3, kernel));
      }
    }
  }
}
