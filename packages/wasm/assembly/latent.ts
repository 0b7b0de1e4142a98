// Attention over rows: a row of a position holds its key and, from some number on, its value, which may be a part of the key.
// Latents lie so in the cache, one key for all heads, and so do the keys and values of one head that are made of them.
// A query's sums run over positions in order, whatever queries are computed beside it.
//
// Shapes: S numbers of a row, C of a key, CV of a value; S and C are multiples of 8, and zeros fill them up.
import { softmax, Tile } from './attention';
import { halvesToFloats, specialHalves } from './block-values';
import { decodeRow } from './decode-row';
import { Kernel, Matrix, Scratch } from './matrix';
import { storeTransposed, sumLanes } from './simd';

/** Where rows lie, and how. */
@unmanaged
export class Rows {
  /** U32: addresses of pages, in order. */
  pages: usize;
  /** Rows of a page. */
  pageSize: u32;
  /** Bytes from one row to the next: 4 S. */
  stride: u32;
  /** C */
  keyDim: u32;
  /** Bytes at which values begin in a row. */
  valueAt: u32;
  /** CV */
  valueDim: u32;
}

// @ts-ignore: decorator
@inline
function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

// @ts-ignore: decorator
@inline
function rowAt(rows: Rows, position: u32): usize {
  const page = position / rows.pageSize;
  return <usize>load<u32>(rows.pages + (page << 2)) + <usize>(position - page * rows.pageSize) * rows.stride;
}

/** Four queries against the keys of two positions, to two neighbours of four rows of scores. */
// @ts-ignore: decorator
@inline
function scoreTwo(q0: usize, q1: usize, q2: usize, q3: usize, a: usize, b: usize, bytes: usize, out: usize, stride: usize): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const first = v128.load(a + at);
    const second = v128.load(b + at);
    const x0 = v128.load(q0 + at);
    a0 = multiplyAdd(a0, x0, first);
    b0 = multiplyAdd(b0, x0, second);
    const x1 = v128.load(q1 + at);
    a1 = multiplyAdd(a1, x1, first);
    b1 = multiplyAdd(b1, x1, second);
    const x2 = v128.load(q2 + at);
    a2 = multiplyAdd(a2, x2, first);
    b2 = multiplyAdd(b2, x2, second);
    const x3 = v128.load(q3 + at);
    a3 = multiplyAdd(a3, x3, first);
    b3 = multiplyAdd(b3, x3, second);
  }
  store<f32>(out, sumLanes(a0));
  store<f32>(out, sumLanes(b0), 4);
  store<f32>(out + stride, sumLanes(a1));
  store<f32>(out + stride, sumLanes(b1), 4);
  store<f32>(out + 2 * stride, sumLanes(a2));
  store<f32>(out + 2 * stride, sumLanes(b2), 4);
  store<f32>(out + 3 * stride, sumLanes(a3));
  store<f32>(out + 3 * stride, sumLanes(b3), 4);
}

/** out [4, CV padded] += weights, Float32 [count, 4], times the values of `count` rows of a page. */
function addValues(values: usize, stride: usize, weights: usize, count: u32, out: usize, outBytes: usize): void {
  const end = weights + (<usize>count << 4);
  for (let at: usize = 0; at < outBytes; at += 32) {
    const o0 = out + at;
    const o1 = o0 + outBytes;
    const o2 = o1 + outBytes;
    const o3 = o2 + outBytes;
    let a0 = v128.load(o0), b0 = v128.load(o0, 16), a1 = v128.load(o1), b1 = v128.load(o1, 16);
    let a2 = v128.load(o2), b2 = v128.load(o2, 16), a3 = v128.load(o3), b3 = v128.load(o3, 16);
    let value = values + at;
    for (let w = weights; w < end; w += 16, value += stride) {
      const a = v128.load(value);
      const b = v128.load(value, 16);
      const w0 = v128.load_splat<u32>(w);
      a0 = multiplyAdd(a0, w0, a);
      b0 = multiplyAdd(b0, w0, b);
      const w1 = v128.load_splat<u32>(w, 4);
      a1 = multiplyAdd(a1, w1, a);
      b1 = multiplyAdd(b1, w1, b);
      const w2 = v128.load_splat<u32>(w, 8);
      a2 = multiplyAdd(a2, w2, a);
      b2 = multiplyAdd(b2, w2, b);
      const w3 = v128.load_splat<u32>(w, 12);
      a3 = multiplyAdd(a3, w3, a);
      b3 = multiplyAdd(b3, w3, b);
    }
    v128.store(o0, a0);
    v128.store(o0, b0, 16);
    v128.store(o1, a1);
    v128.store(o1, b1, 16);
    v128.store(o2, a2);
    v128.store(o2, b2, 16);
    v128.store(o3, a3);
    v128.store(o3, b3, 16);
  }
}

// @ts-ignore: decorator
@inline
function paddedBytes(valueDim: u32): u32 {
  return ((valueDim + 7) & ~7) << 2;
}

/** Bytes in which `attendRows` works: outputs, scores and weights of four, and their sums. */
export function rowsScratchBytes(valueDim: u32, positions: u32): u32 {
  const slots = (positions + 3) & ~3;
  return 4 * paddedBytes(valueDim) + 32 * slots + 16;
}

/**
 * Query i sees the positions [0, to[i]) and writes Float32 [CV] to outs[i]. `to` grows with i.
 * @param tile U32 [4, 4], as `Tile` of attention.ts says, queries Float32 [C]; `from` is not read
 * @param count how many of the four to store
 * @param scratch of `rowsScratchBytes`
 */
export function attendRows(rows: Rows, tile: usize, count: u32, scale: f32, scratch: usize): void {
  const queries = tile + (Tile.queries << 2);
  const to = tile + (Tile.to << 2);
  const outs = tile + (Tile.outs << 2);
  const positions = load<u32>(to, 12);
  const slots = (positions + 3) & ~3;
  const stride = <usize>slots << 2;
  const outBytes = <usize>paddedBytes(rows.valueDim);
  const scores = scratch + 4 * outBytes;
  const weights = scores + 4 * stride;
  const sums = weights + 4 * stride;
  const bytes = <usize>rows.keyDim << 2;
  const q0 = <usize>load<u32>(queries);
  const q1 = <usize>load<u32>(queries, 4);
  const q2 = <usize>load<u32>(queries, 8);
  const q3 = <usize>load<u32>(queries, 12);

  // slots are a multiple of 4, so that the neighbour of the last position has room
  for (let position: u32 = 0; position < positions; position += 2) {
    const next = min(position + 1, positions - 1);
    const out = scores + (<usize>position << 2);
    scoreTwo(q0, q1, q2, q3, rowAt(rows, position), rowAt(rows, next), bytes, out, stride);
  }
  for (let i: u32 = 0; i < 4; i++) {
    const high = load<u32>(to + (i << 2));
    const sum = softmax(scores + <usize>i * stride, scale, 0, high, slots, slots, slots);
    store<f32>(sums + (i << 2), sum);
  }
  for (let slot: u32 = 0; slot < slots; slot += 4) {
    const at = scores + (<usize>slot << 2);
    const b = v128.load(at + stride);
    const c = v128.load(at + 2 * stride);
    storeTransposed(v128.load(at), b, c, v128.load(at + 3 * stride), weights + (<usize>slot << 4));
  }
  memory.fill(scratch, 0, 4 * outBytes);
  for (let first: u32 = 0; first < positions; first += rows.pageSize) {
    const own = min(rows.pageSize, positions - first);
    const values = rowAt(rows, first) + rows.valueAt;
    addValues(values, rows.stride, weights + (<usize>first << 4), own, scratch, outBytes);
  }
  for (let i: u32 = 0; i < count; i++) {
    const sum = load<f32>(sums + (i << 2));
    const target = load<u32>(outs + (i << 2));
    const out = scratch + <usize>i * outBytes;
    for (let c: u32 = 0; c < rows.valueDim; c++) store<f32>(target + (c << 2), load<f32>(out + (c << 2)) / sum);
  }
}

/** out [K] += x0 w0 + x1 w1 + x2 w2 + x3 w3 */
function addFour(x: usize, w0: usize, w1: usize, w2: usize, w3: usize, columns: u32, out: usize): void {
  const x0 = v128.load_splat<u32>(x);
  const x1 = v128.load_splat<u32>(x, 4);
  const x2 = v128.load_splat<u32>(x, 8);
  const x3 = v128.load_splat<u32>(x, 12);
  const end = <usize>(columns & ~3) << 2;
  for (let at: usize = 0; at < end; at += 16) {
    const first = multiplyAdd(f32x4.mul(x0, v128.load(w0 + at)), x1, v128.load(w1 + at));
    const second = multiplyAdd(f32x4.mul(x2, v128.load(w2 + at)), x3, v128.load(w3 + at));
    v128.store(out + at, f32x4.add(v128.load(out + at), f32x4.add(first, second)));
  }
  for (let at = end; at < <usize>columns << 2; at += 4) {
    const first = load<f32>(x) * load<f32>(w0 + at) + load<f32>(x, 4) * load<f32>(w1 + at);
    const second = load<f32>(x, 8) * load<f32>(w2 + at) + load<f32>(x, 12) * load<f32>(w3 + at);
    store<f32>(out + at, load<f32>(out + at) + (first + second));
  }
}

/** out [K] += x w */
function addOne(x: f32, w: usize, columns: u32, out: usize): void {
  for (let i: u32 = 0; i < columns; i++) {
    store<f32>(out + (i << 2), load<f32>(out + (i << 2)) + x * load<f32>(w + (i << 2)));
  }
}

/** A row as float32: where it lies, or decoded into `room`. */
// @ts-ignore: decorator
@inline
function rowOf(matrix: Matrix, row: u32, room: usize): usize {
  if (matrix.kernel == Kernel.float32) return matrix.codes + <usize>row * (matrix.columns << 2);
  decodeRow(matrix, row, room);
  return room;
}

/** Four numbers of each of four rows times x, added in the order of `addFour`. */
// @ts-ignore: decorator
@inline
function addHalves(x0: v128, x1: v128, x2: v128, x3: v128, w0: v128, w1: v128, w2: v128, w3: v128, out: usize): void {
  const first = multiplyAdd(f32x4.mul(x0, halvesToFloats(w0)), x1, halvesToFloats(w1));
  const second = multiplyAdd(f32x4.mul(x2, halvesToFloats(w2)), x3, halvesToFloats(w3));
  v128.store(out, f32x4.add(v128.load(out), f32x4.add(first, second)));
}

/**
 * `multiplyAcross` of one token with rows of binary16, which are decoded as they are multiplied: the same bits.
 * @param rows address of the first of `count`, a multiple of four
 * @param out zeros
 * @returns whether all numbers are finite; otherwise `out` is of no use
 */
function halvesAcross(rows: usize, count: u32, columns: u32, x: usize, out: usize): bool {
  const rowBytes = <usize>columns << 1;
  let special = i32x4.splat(0);
  for (let i: u32 = 0; i < count; i += 4, rows += 4 * rowBytes, x += 16) {
    const x0 = v128.load_splat<u32>(x);
    const x1 = v128.load_splat<u32>(x, 4);
    const x2 = v128.load_splat<u32>(x, 8);
    const x3 = v128.load_splat<u32>(x, 12);
    let place = out;
    for (let w = rows; w != rows + rowBytes; w += 16, place += 32) {
      const w0 = v128.load(w);
      const w1 = v128.load(w + rowBytes);
      const w2 = v128.load(w + 2 * rowBytes);
      const w3 = v128.load(w + 3 * rowBytes);
      special = v128.or(special, v128.or(v128.or(specialHalves(w0), specialHalves(w1)), v128.or(specialHalves(w2), specialHalves(w3))));
      addHalves(x0, x1, x2, x3, i32x4.extend_low_i16x8_s(w0), i32x4.extend_low_i16x8_s(w1), i32x4.extend_low_i16x8_s(w2), i32x4.extend_low_i16x8_s(w3), place);
      addHalves(x0, x1, x2, x3, i32x4.extend_high_i16x8_s(w0), i32x4.extend_high_i16x8_s(w1), i32x4.extend_high_i16x8_s(w2), i32x4.extend_high_i16x8_s(w3), place + 16);
    }
  }
  return !v128.any_true(special);
}

/**
 * out[t] = Σ x[t, i] * row `from + i` of `matrix` over `count` rows: a multiply from the other side.
 * @param from counted in the tensor
 * @param x Float32, token t at x + t * xStride bytes
 * @param out Float32 [K], token t at out + t * outStride bytes
 */
export function multiplyAcross(matrix: Matrix, from: u32, count: u32, x: usize, xStride: u32, tokens: u32, out: usize, outStride: u32): void {
  const columns = matrix.columns;
  const rowBytes = <usize>columns << 2;
  if (tokens == 1 && matrix.kernel == Kernel.float16 && (columns & 7) == 0 && (count & 3) == 0) {
    memory.fill(out, 0, rowBytes);
    if (halvesAcross(matrix.codes + <usize>from * (columns << 1), count, columns, x, out)) return;
  }
  for (let t: u32 = 0; t < tokens; t++) memory.fill(out + <usize>t * outStride, 0, rowBytes);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    const w0 = rowOf(matrix, from + i, Scratch.row);
    const w1 = rowOf(matrix, from + i + 1, Scratch.row + rowBytes);
    const w2 = rowOf(matrix, from + i + 2, Scratch.row + 2 * rowBytes);
    const w3 = rowOf(matrix, from + i + 3, Scratch.row + 3 * rowBytes);
    for (let t: u32 = 0; t < tokens; t++) {
      addFour(x + <usize>t * xStride + (i << 2), w0, w1, w2, w3, columns, out + <usize>t * outStride);
    }
  }
  for (; i < count; i++) {
    const w = rowOf(matrix, from + i, Scratch.row);
    for (let t: u32 = 0; t < tokens; t++) {
      addOne(load<f32>(x + <usize>t * xStride + (i << 2)), w, columns, out + <usize>t * outStride);
    }
  }
}
