// What a layer keeps of the sequences of a step, and where.
import type { KvCache, KvCacheSpec, Segment, StateCache, StateCacheSpec, StateSegment } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';

/** Keys and values of all tokens, or of those in a window. */
export interface KvNeed extends Omit<KvCacheSpec, 'layers' | 'pageSize' | 'pages'> {
  readonly kind: 'kv';
  /** Tokens that a token sees, itself among them; null: all before it. */
  readonly window: number | null;
}

/** States of fixed size, which are read and written together. */
interface StateNeed {
  readonly kind: 'state';
  readonly states: readonly Pick<StateCacheSpec, 'parts' | 'size'>[];
}

/** By kind; layers with the same need share a cache. */
export type CacheNeed = KvNeed | StateNeed;

interface KvPlace {
  readonly kind: 'kv';
  readonly cache: KvCache;
  /** Of the cache. */
  readonly layer: number;
  readonly segments: readonly Segment[];
}

interface StatePlace {
  readonly kind: 'state';
  /** One for each of the states that the layer needs. */
  readonly caches: readonly StateCache[];
  /** Of the caches. */
  readonly layer: number;
  readonly segments: readonly StateSegment[];
}

/** Where a layer keeps what it needs, and the sequences that the tokens of a step belong to. */
export type LayerPlace = KvPlace | StatePlace;

/** @throws MoeqError for no place, or one of another kind than the layer's mixer has asked for */
export function placeOfKind<Kind extends LayerPlace['kind']>(
  place: LayerPlace | null,
  kind: Kind,
): Extract<LayerPlace, { kind: Kind }> {
  if (place !== null && isOfKind(place, kind)) return place;
  throw new MoeqError({
    operation: 'run a layer',
    subject: 'what it keeps of a sequence',
    expected: `a cache of kind ${kind}`,
    found: place?.kind ?? 'none',
  });
}

function isOfKind<Kind extends LayerPlace['kind']>(
  place: LayerPlace,
  kind: Kind,
): place is Extract<LayerPlace, { kind: Kind }> {
  return place.kind === kind;
}
