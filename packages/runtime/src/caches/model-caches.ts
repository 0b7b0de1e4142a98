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
   * The places of a step, by layer; none of a layer that keeps nothing.
   * @param segments of the sequences of the step, a list for each group
   */
  places(segments: readonly GroupSegments[]): ReadonlyMap<number, LayerPlace>;
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
  return {
    groups,
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    places: (segments) =>
      new Map(
        groups.flatMap(({ layers }, group) =>
          layers.map((index, layer) => {
            const place = (caches[group] as PlaceOf)(layer, segments[group] as GroupSegments);
            return [index, place] as const;
          }),
        ),
      ),
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
