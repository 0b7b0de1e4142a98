// The caches of a model in its backend, one for each cache group, and which of them holds what a layer keeps.
import type { Backend, KvCache, Segment } from '@moeq/kernels';
import type { CacheGroup } from './cache-groups.js';
import type { LayerPlace } from './layer-cache.js';

export interface ModelCaches {
  readonly groups: readonly CacheGroup[];
  /** Bytes in the backend's memory. */
  readonly bytes: number;
  /**
   * The place of each layer in a step.
   * @param segments of the sequences of the step, a list for each group
   */
  places(segments: readonly (readonly Segment[])[]): LayerPlace[];
  /** Frees all of them. */
  release(): void;
}

/** @throws MoeqError when memory is short; nothing stays then */
export function createCaches(backend: Backend, groups: readonly CacheGroup[]): ModelCaches {
  const caches: KvCache[] = [];
  const release = (): void => {
    for (const cache of caches) backend.release(cache);
  };
  try {
    for (const { spec } of groups) caches.push(backend.createKvCache(spec));
  } catch (error) {
    release();
    throw error;
  }
  /** Of each layer of the model: its group, and which layer of that it is. */
  const layers: { readonly group: number; readonly layer: number }[] = [];
  for (const [group, { layers: own }] of groups.entries())
    for (const [layer, index] of own.entries()) layers[index] = { group, layer };
  return {
    groups,
    bytes: caches.reduce((sum, { bytes }) => sum + bytes, 0),
    places: (segments) =>
      layers.map(({ group, layer }) => ({
        cache: caches[group] as KvCache,
        layer,
        segments: segments[group] as readonly Segment[],
      })),
    release,
  };
}
