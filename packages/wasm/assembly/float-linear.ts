// y = x Wᵀ in float32: plain weights, and any layout that has no integer kernel, a row decoded at a time. Sums run in
// eight lanes, in the same order for one token and for many.
//
// Shapes: T tokens, N rows, K columns.
import { halvesToFloats, specialHalves } from './block-values';
import { bfloatHigh, bfloatLow, decodeRow } from './decode-row';
import { Kernel, Matrix, Scratch } from './matrix';
import { sumLanes } from './simd';

/** Tokens that a decoded row is multiplied with before the next one is decoded. */
const chunk: u32 = 32;

/** What is left of a row after whole vectors of eight. */
// @ts-ignore: decorator
@inline
function tail(x: usize, w: usize, from: u32, columns: u32): f32 {
  let sum: f32 = 0;
  for (let i = from; i < columns; i++) sum += load<f32>(x + (i << 2)) * load<f32>(w + (i << 2));
  return sum;
}

// @ts-ignore: decorator
@inline
function multiplyAdd(total: v128, x: usize, w: v128): v128 {
  return f32x4.add(total, f32x4.mul(v128.load(x), w));
}

function dot(x: usize, w: usize, columns: u32): f32 {
  const whole = columns & ~7;
  let first = f32x4.splat(0);
  let second = f32x4.splat(0);
  for (let at: usize = 0; at < <usize>(whole << 2); at += 32) {
    first = multiplyAdd(first, x + at, v128.load(w + at));
    second = multiplyAdd(second, x + at + 16, v128.load(w + at, 16));
  }
  return sumLanes(f32x4.add(first, second)) + tail(x, w, whole, columns);
}

/** The same with bfloat16 weights; columns are a multiple of eight. */
function dotBfloat(x: usize, w: usize, columns: u32): f32 {
  let first = f32x4.splat(0);
  let second = f32x4.splat(0);
  for (const end = w + (columns << 1); w != end; w += 16, x += 32) {
    const v = v128.load(w);
    first = multiplyAdd(first, x, bfloatLow(v));
    second = multiplyAdd(second, x + 16, bfloatHigh(v));
  }
  return sumLanes(f32x4.add(first, second));
}

/** The same with row `row` of binary16, decoded beside where a number is infinite or NaN; columns are a multiple of eight. */
function dotHalf(matrix: Matrix, row: u32, x: usize): f32 {
  const columns = matrix.columns;
  const start = matrix.codes + <usize>row * (columns << 1);
  let first = f32x4.splat(0);
  let second = f32x4.splat(0);
  let special = f32x4.splat(0);
  let token = x;
  for (let w = start; w != start + (columns << 1); w += 16, token += 32) {
    const v = v128.load(w);
    special = v128.or(special, specialHalves(v));
    first = multiplyAdd(first, token, halvesToFloats(i32x4.extend_low_i16x8_s(v)));
    second = multiplyAdd(second, token + 16, halvesToFloats(i32x4.extend_high_i16x8_s(v)));
  }
  if (!v128.any_true(special)) return sumLanes(f32x4.add(first, second));
  decodeRow(matrix, row, Scratch.row);
  return dot(x, Scratch.row, columns);
}

/** Four tokens against one row of float32. */
// @ts-ignore: decorator
@inline
function dots(x0: usize, x1: usize, x2: usize, x3: usize, w: usize, columns: u32, y: usize, outStride: usize, count: u32): void {
  const whole = columns & ~7;
  let a0 = f32x4.splat(0), b0 = f32x4.splat(0), a1 = f32x4.splat(0), b1 = f32x4.splat(0);
  let a2 = f32x4.splat(0), b2 = f32x4.splat(0), a3 = f32x4.splat(0), b3 = f32x4.splat(0);
  for (let at: usize = 0; at < <usize>(whole << 2); at += 32) {
    const first = v128.load(w + at);
    const second = v128.load(w + at, 16);
    a0 = multiplyAdd(a0, x0 + at, first);
    b0 = multiplyAdd(b0, x0 + at + 16, second);
    a1 = multiplyAdd(a1, x1 + at, first);
    b1 = multiplyAdd(b1, x1 + at + 16, second);
    a2 = multiplyAdd(a2, x2 + at, first);
    b2 = multiplyAdd(b2, x2 + at + 16, second);
    a3 = multiplyAdd(a3, x3 + at, first);
    b3 = multiplyAdd(b3, x3 + at + 16, second);
  }
  store<f32>(y, sumLanes(f32x4.add(a0, b0)) + tail(x0, w, whole, columns));
  if (count > 1) store<f32>(y + outStride, sumLanes(f32x4.add(a1, b1)) + tail(x1, w, whole, columns));
  if (count > 2) store<f32>(y + 2 * outStride, sumLanes(f32x4.add(a2, b2)) + tail(x2, w, whole, columns));
  if (count > 3) store<f32>(y + 3 * outStride, sumLanes(f32x4.add(a3, b3)) + tail(x3, w, whole, columns));
}

// @ts-ignore: decorator
@inline
function tokenAt(list: usize, i: u32): u32 {
  return list == 0 ? i : load<u32>(list + (i << 2));
}

/**
 * Rows `from` to `to` of this share of `matrix` against float32 activations.
 * @param x Float32 [.., K]
 * @param list U32 [tokens], rows of x; 0: the first `tokens`
 * @param out Float32, row i of the result at out + i * outStride bytes, from `from` on
 */
export function floatLinear(matrix: Matrix, x: usize, list: usize, tokens: u32, from: u32, to: u32, out: usize, outStride: usize): void {
  const columns = matrix.columns;
  const xStride = columns << 2;
  const direct = matrix.kernel == Kernel.float32;
  const firstRow = matrix.firstRow + from;
  const last = matrix.firstRow + to;
  if (tokens == 1 && matrix.kernel == Kernel.bfloat16 && (columns & 7) == 0) {
    const token = x + tokenAt(list, 0) * xStride;
    for (let row = firstRow; row < last; row++, out += 4) {
      store<f32>(out, dotBfloat(token, matrix.codes + <usize>row * (columns << 1), columns));
    }
    return;
  }
  if (tokens == 1 && matrix.kernel == Kernel.float16 && (columns & 7) == 0) {
    const token = x + tokenAt(list, 0) * xStride;
    for (let row = firstRow; row < last; row++, out += 4) store<f32>(out, dotHalf(matrix, row, token));
    return;
  }
  for (let first: u32 = 0; first < tokens; first += chunk) {
    const end = min(tokens, first + chunk);
    let column = out;
    for (let row = firstRow; row < last; row++, column += 4) {
      const w = direct ? matrix.codes + <usize>row * xStride : Scratch.row;
      if (!direct) decodeRow(matrix, row, w);
      let token = first;
      for (; token + 1 < end; token += 4) {
        const x0 = x + tokenAt(list, token) * xStride;
        const x1 = x + tokenAt(list, min(token + 1, end - 1)) * xStride;
        const x2 = x + tokenAt(list, min(token + 2, end - 1)) * xStride;
        const x3 = x + tokenAt(list, min(token + 3, end - 1)) * xStride;
        dots(x0, x1, x2, x3, w, columns, column + <usize>token * outStride, outStride, end - token);
      }
      if (token < end) store<f32>(column + <usize>token * outStride, dot(x + tokenAt(list, token) * xStride, w, columns));
    }
  }
}
