// y = x Wᵀ for affine 4-bit codes: codes of 0..15 against activations of 8 bits.
//   y = Σ over units u of  S[u] a[u] Σ code * activation  +  Z[u] * a[u] Σ activation
// Sixteen products with a code stay below 2^15, so those of a unit are added up in 16 bits and widened once.
//
// Shapes and sums as in integer-linear.ts.
import { Kernel, Matrix, Scratch } from './matrix';
import { scalesStride } from './quantize-activations';
import { dotBytes, lowNibbles, sumLanes } from './simd';
import { accumulate, addedTo, prepareRow, scaleUnits, scaleUnitsOfFour, tokenAt } from './unit-products';

/** Tokens that meet a decoded row before the next one is decoded: their activations stay in the second-level cache. */
const chunk: u32 = 64;

/** 32 activations times the 32 codes of 16 bytes, in eight 16-bit sums. */
// @ts-ignore: decorator
@inline
function dot32(activations: usize, codes: v128, lowNibble: v128): v128 {
  const first = dotBytes(v128.load(activations), v128.and(codes, lowNibble));
  const second = dotBytes(v128.load(activations, 16), v128.and(i16x8.shr_u(codes, 4), lowNibble));
  return i16x8.add(first, second);
}

/** All rows against one token. */
// @ts-ignore: decorator
@inline
function vector(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize, unit: u32): void {
  const token = tokenAt(list, 0);
  const units = token * scalesStride(matrix.columns, unit);
  x += token * (matrix.columns << 1);
  scales += units;
  sums += units;
  const lowNibble = v128.load(lowNibbles);
  const rowBytes = matrix.columns >> 1;
  const last = matrix.firstRow + matrix.rows;
  let code = matrix.codes + matrix.firstRow * rowBytes;
  for (let row = matrix.firstRow; row < last; row++) {
    prepareRow(matrix, row, Kernel.affine4);
    const added = scaleUnits(matrix, scales, sums, Kernel.affine4);
    let total = f32x4.splat(0);
    let activation = x;
    let product = Scratch.products;
    for (const end = code + rowBytes; code != end; ) {
      let dot = dot32(activation, v128.load(code), lowNibble);
      if (unit == 64) dot = i16x8.add(dot, dot32(activation + 32, v128.load(code, 16), lowNibble));
      total = accumulate(total, i32x4.extadd_pairwise_i16x8_s(dot), product);
      code += unit >> 1;
      activation += unit;
      product += 4;
    }
    store<f32>(out, sumLanes(total) + added);
    out += 4;
  }
}

/** The codes of one row, a byte each, in the order of the quantized activations. */
// @ts-ignore: decorator
@inline
function spreadRow(code: usize, rowBytes: usize, lowNibble: v128): void {
  let out = Scratch.row;
  for (const end = code + rowBytes; code != end; code += 16, out += 32) {
    const codes = v128.load(code);
    v128.store(out, v128.and(codes, lowNibble));
    v128.store(out, v128.and(i16x8.shr_u(codes, 4), lowNibble), 16);
  }
}

// @ts-ignore: decorator
@inline
function accumulateUnit(total: v128, activation: usize, a: v128, b: v128, c: v128, d: v128, product: usize, unit: u32): v128 {
  let dot = i16x8.add(dotBytes(v128.load(activation), a), dotBytes(v128.load(activation, 16), b));
  if (unit == 64) {
    const rest = i16x8.add(dotBytes(v128.load(activation, 32), c), dotBytes(v128.load(activation, 48), d));
    dot = i16x8.add(dot, rest);
  }
  return accumulate(total, i32x4.extadd_pairwise_i16x8_s(dot), product);
}

/** All rows against `tokens` tokens. */
// @ts-ignore: decorator
@inline
function tile(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize, unit: u32): void {
  const lowNibble = v128.load(lowNibbles);
  const rowBytes = matrix.columns >> 1;
  const xStride = matrix.columns << 1;
  const unitsStride = scalesStride(matrix.columns, unit);
  const last = matrix.firstRow + matrix.rows;
  const codesEnd = Scratch.row + matrix.columns;

  for (let first: u32 = 0; first < tokens; first += chunk) {
    const chunkEnd = min(tokens, first + chunk);
    let code = matrix.codes + matrix.firstRow * rowBytes;
    let column = out;
    for (let row = matrix.firstRow; row < last; row++, code += rowBytes, column += 4) {
      prepareRow(matrix, row, Kernel.affine4);
      spreadRow(code, rowBytes, lowNibble);
      for (let token = first; token < chunkEnd; token += 4) {
        // a tile of fewer than four repeats its last token and stores it once
        const end = chunkEnd - 1;
        const t0 = tokenAt(list, token);
        const t1 = tokenAt(list, min(token + 1, end));
        const t2 = tokenAt(list, min(token + 2, end));
        const t3 = tokenAt(list, min(token + 3, end));
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
        let product = Scratch.products;
        for (let codes = Scratch.row; codes != codesEnd; codes += unit) {
          const a = v128.load(codes);
          const b = v128.load(codes, 16);
          const c = unit == 64 ? v128.load(codes, 32) : a;
          const d = unit == 64 ? v128.load(codes, 48) : b;
          total0 = accumulateUnit(total0, x0, a, b, c, d, product, unit);
          total1 = accumulateUnit(total1, x1, a, b, c, d, product + 4, unit);
          total2 = accumulateUnit(total2, x2, a, b, c, d, product + 8, unit);
          total3 = accumulateUnit(total3, x3, a, b, c, d, product + 12, unit);
          x0 += unit;
          x1 += unit;
          x2 += unit;
          x3 += unit;
          product += 16;
        }
        const y = column + <usize>token * outStride;
        store<f32>(y, sumLanes(total0) + addedTo(matrix, sums + u0, Kernel.affine4));
        if (token < end) store<f32>(y + outStride, sumLanes(total1) + addedTo(matrix, sums + u1, Kernel.affine4));
        if (token + 1 < end) store<f32>(y + 2 * outStride, sumLanes(total2) + addedTo(matrix, sums + u2, Kernel.affine4));
        if (token + 2 < end) store<f32>(y + 3 * outStride, sumLanes(total3) + addedTo(matrix, sums + u3, Kernel.affine4));
      }
    }
  }
}

export function vectorAffine4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, 32);
}

export function tileAffine4x32(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, 32);
}

export function vectorAffine4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, out: usize): void {
  vector(matrix, x, scales, sums, list, out, 64);
}

export function tileAffine4x64(matrix: Matrix, x: usize, scales: usize, sums: usize, list: usize, tokens: u32, out: usize, outStride: usize): void {
  tile(matrix, x, scales, sums, list, tokens, out, outStride, 64);
}
