// What mixers keep that mix neighbours by a short convolution before they go into states: the last inputs of the convolution, and
// the states, each in a cache of its own.
import type { StateCache, StateCacheSpec, StateSegment } from '@moeq/kernels';
import { type CacheNeed, type LayerPlace, placeOfKind } from '../caches/layer-cache.js';

/** @param taps inputs that an output of the convolution is made of */
export function convolvedStatesNeed(
  { channels, taps }: { readonly channels: number; readonly taps: number },
  states: Pick<StateCacheSpec, 'parts' | 'size'>,
): CacheNeed {
  return { kind: 'state', states: [{ parts: channels, size: taps - 1 }, states] };
}

interface ConvolvedStatesPlace {
  /** The last inputs of the convolution. */
  readonly inputs: StateCache;
  readonly states: StateCache;
  /** Of both. */
  readonly layer: number;
  readonly segments: readonly StateSegment[];
}

/** @throws MoeqError for no place, or one of another kind */
export function convolvedStatesPlace(place: LayerPlace | null): ConvolvedStatesPlace {
  const { caches, layer, segments } = placeOfKind(place, 'state');
  const [inputs, states] = caches as readonly [StateCache, StateCache];
  return { inputs, states, layer, segments };
}
