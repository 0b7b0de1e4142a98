// What the backend keeps behind the objects that it hands out.
import type { ExpertWeights, KvCache, MlpWeights, Vector, Weight } from '@moeq/kernels';
import { Handles } from '@moeq/kernels';
import type { StoredVector } from './step/graph.js';
import type { StoredCache } from './step/kv-cache.js';
import type { StoredExperts, StoredWeight } from './weights/store.js';

export interface Objects {
  readonly weights: Handles<Weight, StoredWeight>;
  readonly experts: Handles<ExpertWeights, StoredExperts>;
  readonly mlps: Handles<MlpWeights, StoredExperts>;
  readonly vectors: Handles<Vector, StoredVector>;
  readonly caches: Handles<KvCache, StoredCache>;
}

export function makeObjects(): Objects {
  return {
    weights: new Handles('weight'),
    experts: new Handles('experts'),
    mlps: new Handles('MLP weights'),
    vectors: new Handles('vector'),
    caches: new Handles('KV cache'),
  };
}

/** Forgets an object; false when it is in no table. */
export function forgetObject(objects: Objects, object: object): boolean {
  return Object.values(objects).some((handles) => handles.delete(object));
}
