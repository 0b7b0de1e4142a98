// The caches of a model in its backend, one for each cache group, and which of them holds what a layer keeps.
import type { Backend, KvCache, Segment, StateCache, StateSegment } from '@moeq/kernels';
import { type CacheGroup, kvSpec, stateSpecs } from './cache-groups.js';
import type { LayerPlace } from './layer-cache.js';

/** The sequences of a step, as a cache group of their kind has them. */
export type GroupSegments = readonly Segment[] | readonly StateSegment[];

export interface ModelCaches {
  readonly groups: readonly CacheGroup[];
  /** Bytes in the backend's memory. */
  readonly bytes: number;
  /**
   * The place of each layer in a step.
   * @param segments of the sequences of the step, a list for each group
   */
  places(segments: readonly GroupSegments[]): LayerPlace[];
  /** Frees all of them. */
  release(): void;
}

/** @throws MoeqError when memory is short; nothing stays then */
export function createCaches(backend: Backend, groups: readonly CacheGroup[]): ModelCaches {
  const all: (KvCache | StateCache)[] = [];
  const own = <Cache extends KvCache | StateCache>(cache: Cache): Cache => {
    all.push(cache);
    return cache;
  };
  const release = (): void => {
    for (const cache of all) backend.release(cache);
  };
  const caches: PlaceOf[] = [];
  try {
    for (const group of groups) {
      caches.push(
        group.kind === 'kv'
          ? kvPlaces(own(backend.createKvCache(kvSpec(group))))
          : statePlaces(stateSpecs(group).map((spec) => own(backend.createStateCache(spec)))),
      );
    }
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
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    places: (segments) =>
      layers.map(({ group, layer }) => (caches[group] as PlaceOf)(layer, segments[group] as GroupSegments)),
    release,
  };
}

/** The place of a layer of one group. */
type PlaceOf = (layer: number, segments: GroupSegments) => LayerPlace;

function kvPlaces(cache: KvCache): PlaceOf {
  return (layer, segments) => ({ kind: 'kv', cache, layer, segments: segments as readonly Segment[] });
}

function statePlaces(caches: readonly StateCache[]): PlaceOf {
  return (layer, segments) => ({
    kind: 'state',
    caches,
    layer,
    segments: segments as readonly StateSegment[],
  });
}
