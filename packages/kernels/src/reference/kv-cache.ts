// Keys and values of all layers, float32, in pages. A sequence lists its pages in order, so position p of it lies in row
// p mod pageSize of page pages[p / pageSize].
//
// Shapes: L layers, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '../resources.js';

export interface PagedCache {
  readonly spec: KvCacheSpec;
  readonly bytes: number;
  /** L times Float32 [pages * pageSize, HK * C] */
  readonly keys: readonly Float32Array[];
  /** L times Float32 [pages * pageSize, HK * CV] */
  readonly values: readonly Float32Array[];
}

/** A cache whose rows are all zero. */
export function makeCache(spec: KvCacheSpec): PagedCache {
  const { layers, kvHeads, headDim, valueDim = headDim, pageSize, pages } = spec;
  const rows = pages * pageSize;
  const make = (width: number) => Array.from({ length: layers }, () => new Float32Array(rows * width));
  return {
    spec,
    bytes: 4 * layers * rows * kvHeads * (headDim + valueDim),
    keys: make(kvHeads * headDim),
    values: make(kvHeads * valueDim),
  };
}

/** Row of keys and values that holds a position of the sequence that owns `pages`. */
export function cacheRow(pages: Int32Array, pageSize: number, position: number): number {
  return (pages[Math.floor(position / pageSize)] as number) * pageSize + (position % pageSize);
}
