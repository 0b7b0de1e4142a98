// What the reference backend keeps behind the objects that it hands out.
import type { ExpertWeights, KvCache, MlpWeights, Vector, Weight } from '../backend.js';
import { Handles } from '../handles.js';
import type { PagedCache } from './kv-cache.js';
import type { StackedMatrix } from './matrix.js';
import type { Mlp } from './mlp.js';

export interface Objects {
  readonly weights: Handles<Weight, StackedMatrix>;
  readonly experts: Handles<ExpertWeights, readonly Mlp[]>;
  readonly mlps: Handles<MlpWeights, Mlp>;
  readonly vectors: Handles<Vector, Float32Array>;
  readonly caches: Handles<KvCache, PagedCache>;
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
