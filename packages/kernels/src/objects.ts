// The tables behind the objects that a backend hands out, one for each kind.
import type { ExpertWeights, KvCache, MlpWeights, Vector, Weight } from './backend.js';
import { Handles } from './shell/handles.js';

type Kind = 'weight' | 'experts' | 'mlp' | 'vector' | 'cache';

/** @typeParam Kept what the backend keeps behind an object of each kind */
export interface BackendObjects<Kept extends Record<Kind, unknown>> {
  readonly weights: Handles<Weight, Kept['weight']>;
  readonly experts: Handles<ExpertWeights, Kept['experts']>;
  readonly mlps: Handles<MlpWeights, Kept['mlp']>;
  readonly vectors: Handles<Vector, Kept['vector']>;
  readonly caches: Handles<KvCache, Kept['cache']>;
}

/** Empty tables. */
export function makeObjects<Kept extends Record<Kind, unknown>>(): BackendObjects<Kept> {
  return {
    weights: new Handles('weight'),
    experts: new Handles('experts'),
    mlps: new Handles('MLP weights'),
    vectors: new Handles('vector'),
    caches: new Handles('KV cache'),
  };
}
