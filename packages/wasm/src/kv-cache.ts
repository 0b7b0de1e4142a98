// The KV cache in the heaps: each thread holds the key/value heads that it attends with, float32.
//
// Shapes: L layers, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '@moeq/kernels';
import { recordEncoder } from './abi/encode.js';
import { bytesOf, cacheRecord } from './abi/records.js';
import { paddedToEight } from './abi/sizes.js';
import type { LoadedCache } from './loaded.js';
import { longestShare } from './share.js';
import type { Store } from './store.js';

/** Sizes of a page of one head: Float32 [C, paddedSize] keys, then Float32 [pageSize, paddedValueDim] values. */
export function cacheShape({ headDim, valueDim = headDim, pageSize }: KvCacheSpec) {
  const paddedSize = paddedToEight(pageSize);
  const paddedValueDim = paddedToEight(valueDim);
  const pageStride = 4 * (headDim * paddedSize + pageSize * paddedValueDim);
  return { headDim, valueDim, paddedSize, paddedValueDim, pageStride };
}

/**
 * Latents are keys of one head without values beside them: pages of rows, filled up to whole vectors, divided over the threads.
 * Each thread holds every n-th page of n threads.
 */
export function latentCacheShape({ headDim, pageSize, pages }: KvCacheSpec, threads: number) {
  const pageBytes = 4 * pageSize * paddedToEight(headDim);
  return { pageBytes, layerBytes: pageBytes * longestShare(pages, threads) };
}

function createLatentCache(store: Store, spec: KvCacheSpec): LoadedCache {
  const { pageBytes, layerBytes } = latentCacheShape(spec, store.threads);
  const address = store.allocate(spec.layers * layerBytes, 'latent cache');
  return { spec, bytes: spec.layers * spec.pages * pageBytes, address, records: 0, headsAThread: 1 };
}

const encodeCaches = recordEncoder(cacheRecord);

/** @throws MoeqError when memory is short */
export function createCache(store: Store, spec: KvCacheSpec): LoadedCache {
  if (spec.valueDim === 0) return createLatentCache(store, spec);
  const { layers, kvHeads, pageSize, pages } = spec;
  const { headDim, valueDim, paddedSize, paddedValueDim, pageStride } = cacheShape(spec);
  const headsAThread = longestShare(kvHeads, store.threads);
  const heads = layers * headsAThread;
  const address = store.allocate(heads * pages * pageStride, 'KV cache');
  const records = store.allocate(heads * bytesOf(cacheRecord), 'KV cache');
  const shape = { pageStride, pageSize, paddedSize, headDim, valueDim, paddedValueDim };
  const bases = Array.from({ length: heads }, (_, head) => address + head * pages * pageStride);
  store.writeAll(records, encodeCaches(bases.map((base) => ({ base, ...shape }))));
  const bytes = layers * kvHeads * pages * pageStride;
  return { spec, bytes, address, records, headsAThread };
}
