// What a layer keeps of the sequences of a step, and where.
import type { KvCache, KvCacheSpec, Segment } from '@moeq/kernels';

/** Keys and values of all tokens, or of those in a window. */
export interface KvNeed extends Omit<KvCacheSpec, 'layers' | 'pageSize' | 'pages'> {
  readonly kind: 'kv';
  /** Tokens that a token sees, itself among them; null: all before it. */
  readonly window: number | null;
}

/** By kind; layers with the same need share a cache. */
export type CacheNeed = KvNeed;

/** Where a layer keeps what it needs, and the sequences that the tokens of a step belong to. */
export interface LayerPlace {
  readonly cache: KvCache;
  /** Of the cache. */
  readonly layer: number;
  readonly segments: readonly Segment[];
}
