// y = x Wᵀ for 8-bit codes: rows of W against activations of 15 bits, widened in registers.
//   y = Σ over units u of  S[u] a[u] Σ code * activation  +  Z[u] * a[u] Σ activation
// S: scale of the unit, a: scale of the activations, Z: what is added to each weight, levelOffset * S or the unit's own.
//
// One token: codes are streamed once, straight through registers. More: a row is widened once for a chunk of
// tokens and multiplied with four tokens at a time. Both add up in the same order, so a token's result does not depend on the
// others beside it.
//
// Shapes: T tokens, N rows, K columns, U units of a row.
import { dotCodes, dotLevels, load8 } from './integer-dot';
import { Matrix, Scratch } from './matrix';
import { scalesStride } from './quantize-activations';
import { sumLanes } from './simd';
import { accumulate, addedTo, prepareRow, scaleUnits, scaleUnitsOfFour, tokenAt } from './unit-products';

/** Tokens that a decoded row is multiplied with before the next one: their activations stay in the second-level cache. */
const chunk: u32 = 32;

/** Rows `from` to `to` of this share against one token. */
// @ts-ignore: decorator
@inline
export function vector(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, from: u32, to: u32, out: usize, kernel: u32, unit: u32): void {
  const token = tokenAt(list, 0);
  const units = token * scalesStride(matrix.columns, unit);
  x += token * (matrix.columns << 1);
  scales += units;
  sums += units;
  const rowBytes = matrix.columns;
  const last = matrix.firstRow + to;
  let code = matrix.codes + (matrix.firstRow + from) * rowBytes;
  for (let row = matrix.firstRow + from; row < last; row++) {
    prepareRow(matrix, row, kernel);
    const added = scaleUnits(matrix, scales, sums, kernel);
    let total = f32x4.splat(0);
    let activation = x;
    let product = Scratch.products;
    for (const end = code + rowBytes; code != end; ) {
      let dot = dotCodes(activation, code, kernel);
      if (unit == 64) dot = i32x4.add(dot, dotCodes(activation + 64, code + 32, kernel));
      total = accumulate(total, dot, product);
      code += unit;
      activation += unit << 1;
      product += 4;
    }
    store<f32>(out, sumLanes(total) + added);
    out += 4;
  }
}

/** The codes of one row in 16 bits, [K]. */
// @ts-ignore: decorator
@inline
function widenRow(code: usize, rowBytes: usize, kernel: u32): void {
  let out = Scratch.row;
  for (const end = code + rowBytes; code != end; code += 8, out += 16) v128.store(out, load8(code, kernel));
}

// @ts-ignore: decorator
@inline
function accumulateUnit(total: v128, activation: usize, levels: usize, product: usize, unit: u32): v128 {
  let dot = dotLevels(activation, levels);
  if (unit == 64) dot = i32x4.add(dot, dotLevels(activation + 64, levels + 64));
  return accumulate(total, dot, product);
}

/** Rows `from` to `to` of this share against `tokens` tokens. */
// @ts-ignore: decorator
@inline
export function tile(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize, kernel: u32, unit: u32): void {
  const rowBytes = matrix.columns;
  const xStride = matrix.columns << 1;
  const unitsStride = scalesStride(matrix.columns, unit);
  const firstRow = matrix.firstRow + from;
  const last = matrix.firstRow + to;
  const unitBytes: usize = unit << 1;
  const levelsEnd = Scratch.row + (matrix.columns << 1);

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const chunkEnd = min(tokens, first + chunk);
    let code = matrix.codes + firstRow * rowBytes;
    let column = out;
    for (let row = firstRow; row < last; row++, code += rowBytes, column += 4) {
      prepareRow(matrix, row, kernel);
      widenRow(code, rowBytes, kernel);
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
          total0 = accumulateUnit(total0, x0, levels, product, unit);
          total1 = accumulateUnit(total1, x1, levels, product + 4, unit);
          total2 = accumulateUnit(total2, x2, levels, product + 8, unit);
          total3 = accumulateUnit(total3, x3, levels, product + 12, unit);
          x0 += unitBytes;
          x1 += unitBytes;
          x2 += unitBytes;
          x3 += unitBytes;
          product += 16;
        }
        const y = column + <usize>token * outStride;
        store<f32>(y, sumLanes(total0) + addedTo(matrix, sums + u0, kernel));
        if (token < end) store<f32>(y + outStride, sumLanes(total1) + addedTo(matrix, sums + u1, kernel));
        if (token + 1 < end) store<f32>(y + 2 * outStride, sumLanes(total2) + addedTo(matrix, sums + u2, kernel));
        if (token + 2 < end) store<f32>(y + 3 * outStride, sumLanes(total3) + addedTo(matrix, sums + u3, kernel));
      }
    }
  }
}
