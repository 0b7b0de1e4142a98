// Attention of four queries that share one key/value head, over pages: softmax(scale q · k) v, with the sink of a query's head
// as one more score, not scaled, that has no value.
// Keys of a page lie transposed, so that lanes are positions and nothing is summed across them; values lie by position.
// A query's sums run over positions in order from the start of a page, whatever queries are computed beside it.
//
// Shapes: C head dimension, CV value dimension padded to 8, P page size padded to 8.
//   page = Float32 [C, P] keys, then Float32 [P, CV] values.
import { exp } from './functions';
import { maxLanes, storeTransposed, sumLanes } from './simd';

/** Where one key/value head of one layer lies, and how. */
@unmanaged
export class Cache {
  /** Its page 0. */
  base: usize;
  /** Bytes from one page to the next. */
  pageStride: usize;
  pageSize: u32;
  /** pageSize rounded up to a multiple of 8. */
  paddedSize: u32;
  headDim: u32;
  valueDim: u32;
  /** valueDim rounded up to a multiple of 8. */
  paddedValueDim: u32;
}

// @ts-ignore: decorator
@inline
function valuesOf(cache: Cache, page: usize): usize {
  return page + <usize>cache.headDim * (cache.paddedSize << 2);
}

/** Stores a key [C] and a value at `slot` of page `page`. */
export function storeKeyValue(cache: Cache, page: u32, slot: u32, key: usize, value: usize): void {
  const base = cache.base + <usize>page * cache.pageStride;
  const stride = cache.paddedSize << 2;
  for (let c: u32 = 0, at = base + (slot << 2); c < cache.headDim; c++, at += stride) {
    store<f32>(at, load<f32>(key + (c << 2)));
  }
  memory.copy(valuesOf(cache, base) + <usize>slot * (cache.paddedValueDim << 2), value, cache.valueDim << 2);
}

/** Words of what is said of four queries, U32 [4] each, the last Float32 [4]. */
export enum Tile {
  /** Addresses of Float32 [C]; the last ones may repeat. */
  queries = 0,
  /** Positions that each sees: from, to. */
  from = 4,
  to = 8,
  /** Addresses of Float32 [valueDim]. */
  outs = 12,
  /** -Infinity: none. */
  sinks = 16,
}

/** Four queries [C] as Float32 [C, 4], so that the inner loop has one pointer for them. */
function joinQueries(queries: usize, headDim: u32, out: usize): void {
  for (let i: u32 = 0; i < 4; i++) {
    const query = load<u32>(queries + (i << 2));
    for (let c: u32 = 0; c < headDim; c++) store<f32>(out + (c << 4) + (i << 2), load<f32>(query + (c << 2)));
  }
}

// @ts-ignore: decorator
@inline
function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b));
}

/** Scores of four queries, Float32 [C, 4], against the P positions of a page, to four rows of `scores`. */
function scorePage(cache: Cache, page: usize, queries: usize, scores: usize, stride: usize): void {
  const keyStride = cache.paddedSize << 2;
  const end = queries + (cache.headDim << 4);
  for (let at: usize = 0; at < keyStride; at += 32) {
    let a0 = f32x4.splat(0), b0 = f32x4.splat(0), a1 = f32x4.splat(0), b1 = f32x4.splat(0);
    let a2 = f32x4.splat(0), b2 = f32x4.splat(0), a3 = f32x4.splat(0), b3 = f32x4.splat(0);
    let key = page + at;
    for (let q = queries; q < end; q += 16, key += keyStride) {
      const a = v128.load(key);
      const b = v128.load(key, 16);
      const q0 = v128.load_splat<u32>(q);
      a0 = multiplyAdd(a0, q0, a);
      b0 = multiplyAdd(b0, q0, b);
      const q1 = v128.load_splat<u32>(q, 4);
      a1 = multiplyAdd(a1, q1, a);
      b1 = multiplyAdd(b1, q1, b);
      const q2 = v128.load_splat<u32>(q, 8);
      a2 = multiplyAdd(a2, q2, a);
      b2 = multiplyAdd(b2, q2, b);
      const q3 = v128.load_splat<u32>(q, 12);
      a3 = multiplyAdd(a3, q3, a);
      b3 = multiplyAdd(b3, q3, b);
    }
    const out = scores + at;
    v128.store(out, a0);
    v128.store(out, b0, 16);
    v128.store(out + stride, a1);
    v128.store(out + stride, b1, 16);
    v128.store(out + 2 * stride, a2);
    v128.store(out + 2 * stride, b2, 16);
    v128.store(out + 3 * stride, a3);
    v128.store(out + 3 * stride, b3, 16);
  }
}

/** Slots [from, to) of a row of scores as if never seen. */
function hide(scores: usize, from: u32, to: u32): void {
  for (let i = from; i < to; i++) store<f32>(scores + (i << 2), -Infinity);
}

/**
 * Scores of the slots [low, high) to e^(scale s - max), of all others to 0; returns the sum, that of the sink included.
 * @param slots a multiple of `padded`; pages of `pageSize` slots and padding
 */
export function softmax(scores: usize, scale: f32, low: u32, high: u32, slots: u32, pageSize: u32, padded: u32, sink: f32 = -Infinity): f32 {
  const factor = f32x4.splat(scale);
  const end = scores + (slots << 2);
  for (let at = scores; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
  hide(scores, 0, low);
  hide(scores, high, slots);
  if (padded != pageSize) {
    for (let page: u32 = 0; page < slots; page += padded) hide(scores, page + pageSize, page + padded);
  }
  let largest = v128.load(scores);
  for (let at = scores; at < end; at += 16) largest = f32x4.max(largest, v128.load(at));
  const top = f32x4.splat(max<f32>(maxLanes(largest), sink));
  let sum = f32x4.splat(0);
  for (let at = scores; at < end; at += 16) {
    const weight = exp(f32x4.sub(v128.load(at), top));
    v128.store(at, weight);
    sum = f32x4.add(sum, weight);
  }
  return sumLanes(sum) + f32x4.extract_lane(exp(f32x4.sub(f32x4.splat(sink), top)), 0);
}

/** Four rows of weights as Float32 [slots, 4]; `slots` is a multiple of 4. */
function joinWeights(rows: usize, stride: usize, slots: u32, out: usize): void {
  for (let slot: u32 = 0; slot < slots; slot += 4, rows += 16, out += 64) {
    const b = v128.load(rows + stride);
    const c = v128.load(rows + 2 * stride);
    storeTransposed(v128.load(rows), b, c, v128.load(rows + 3 * stride), out);
  }
}

/** out [4, CV] += weights, Float32 [count, 4], times the values of `count` positions of a page from `first` on. */
function addValues(cache: Cache, page: usize, weights: usize, first: u32, count: u32, out: usize): void {
  const rowBytes = cache.paddedValueDim << 2;
  const values = valuesOf(cache, page) + <usize>first * rowBytes;
  const end = weights + (count << 4);
  for (let at: usize = 0; at < <usize>rowBytes; at += 32) {
    const o0 = out + at;
    const o1 = o0 + rowBytes;
    const o2 = o1 + rowBytes;
    const o3 = o2 + rowBytes;
    let a0 = v128.load(o0), b0 = v128.load(o0, 16), a1 = v128.load(o1), b1 = v128.load(o1, 16);
    let a2 = v128.load(o2), b2 = v128.load(o2, 16), a3 = v128.load(o3), b3 = v128.load(o3, 16);
    let value = values + at;
    for (let w = weights; w < end; w += 16, value += rowBytes) {
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

/**
 * Bytes in which `attendFour` works: queries, outputs, scores, weights and sums of four.
 * @param positions padded, of all pages seen
 */
export function attentionScratchBytes(headDim: u32, paddedValueDim: u32, positions: u32): u32 {
  return 16 * (headDim + paddedValueDim + 2 * positions + 1);
}

/**
 * Query i sees the positions [from[i], to[i]) and writes Float32 [valueDim] to outs[i]. `to` grows with i, `from` too.
 * @param pages I32: the sequence's pages in order
 * @param tile [5, 4], as `Tile` says
 * @param count how many of the four to store
 * @param scratch of `attentionScratchBytes`
 */
export function attendFour(cache: Cache, pages: usize, tile: usize, count: u32, scale: f32, scratch: usize): void {
  const queries = tile + (Tile.queries << 2);
  const from = tile + (Tile.from << 2);
  const to = tile + (Tile.to << 2);
  const outs = tile + (Tile.outs << 2);
  const sinks = tile + (Tile.sinks << 2);
  const pageSize = cache.pageSize;
  const padded = cache.paddedSize;
  const firstPage = load<u32>(from) / pageSize;
  const lastPosition = load<u32>(to, 12);
  const lastPage = (lastPosition + pageSize - 1) / pageSize;
  const slots = (lastPage - firstPage) * padded;
  const stride = <usize>slots << 2;
  const rowBytes = cache.paddedValueDim << 2;
  const joined = scratch;
  const out = joined + (cache.headDim << 4);
  const scores = out + 4 * rowBytes;
  const weights = scores + 4 * stride;
  const sums = weights + 4 * stride;

  joinQueries(queries, cache.headDim, joined);
  for (let page = firstPage; page < lastPage; page++) {
    const base = cache.base + <usize>load<u32>(pages + (page << 2)) * cache.pageStride;
    scorePage(cache, base, joined, scores + (((page - firstPage) * padded) << 2), stride);
  }
  for (let i: u32 = 0; i < 4; i++) {
    const low = slotOf(load<u32>(from + (i << 2)), firstPage, pageSize, padded);
    const high = slotOf(load<u32>(to + (i << 2)) - 1, firstPage, pageSize, padded) + 1;
    const sink = load<f32>(sinks + (i << 2));
    const sum = softmax(scores + <usize>i * stride, scale, low, high, slots, pageSize, padded, sink);
    store<f32>(sums + (i << 2), sum);
  }
  joinWeights(scores, stride, slots, weights);
  memory.fill(out, 0, 4 * rowBytes);
  for (let page = firstPage; page < lastPage; page++) {
    const base = cache.base + <usize>load<u32>(pages + (page << 2)) * cache.pageStride;
    const first = page == firstPage ? load<u32>(from) % pageSize : 0;
    const end = min(pageSize, lastPosition - page * pageSize);
    const slot = (page - firstPage) * padded + first;
    addValues(cache, base, weights + (<usize>slot << 4), first, end - first, out);
  }
  for (let i: u32 = 0; i < count; i++) {
    const sum = load<f32>(sums + (i << 2));
    const target = load<u32>(outs + (i << 2));
    for (let c: u32 = 0; c < cache.valueDim; c++) {
      store<f32>(target + (c << 2), load<f32>(out + <usize>(i * rowBytes) + (c << 2)) / sum);
    }
  }
}

/** Slot of a position in the rows of scores, which hold padded pages. */
// @ts-ignore: decorator
@inline
function slotOf(position: u32, firstPage: u32, pageSize: u32, padded: u32): u32 {
  const page = position / pageSize;
  return (page - firstPage) * padded + (position - page * pageSize);
}
