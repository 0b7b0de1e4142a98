// The KV cache in the heaps: each thread holds the key/value heads that it attends with, float32.
//
// Shapes: L layers, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '@moeq/kernels';
import { assertKvCacheSpec } from '@moeq/kernels';
import type { LoadedCache } from './loaded.js';
import { longestShare } from './share.js';
import type { Store } from './store.js';

/** Bytes of a `Cache` record: assembly/attention.ts. */
export const cacheRecordBytes = 28;

const roundUp = (size: number) => Math.ceil(size / 8) * 8;

/** Sizes of a page of one head: Float32 [C, paddedSize] keys, then Float32 [pageSize, paddedValueDim] values. */
export function cacheShape({ headDim, valueDim = headDim, pageSize }: KvCacheSpec) {
  const paddedSize = roundUp(pageSize);
  const paddedValueDim = roundUp(valueDim);
  const pageStride = 4 * (headDim * paddedSize + pageSize * paddedValueDim);
  return { headDim, valueDim, paddedSize, paddedValueDim, pageStride };
}

/** @throws MoeqError when a size is no positive integer or memory is short */
export function createCache(store: Store, spec: KvCacheSpec): LoadedCache {
  assertKvCacheSpec(spec);
  const { layers, kvHeads, pageSize, pages } = spec;
  const { headDim, valueDim, paddedSize, paddedValueDim, pageStride } = cacheShape(spec);
  const headsAThread = longestShare(kvHeads, store.threads);
  const heads = layers * headsAThread;
  const address = store.allocate(heads * pages * pageStride, 'KV cache');
  const records = store.allocate(heads * cacheRecordBytes, 'KV cache');
  const words = new Uint32Array((heads * cacheRecordBytes) / 4);
  for (let head = 0; head < heads; head++) {
    const base = address + head * pages * pageStride;
    words.set([base, pageStride, pageSize, paddedSize, headDim, valueDim, paddedValueDim], 7 * head);
  }
  store.writeAll(records, new Uint8Array(words.buffer));
  const bytes = layers * kvHeads * pages * pageStride;
  return { spec: { ...spec }, bytes, address, records, headsAThread };
}
