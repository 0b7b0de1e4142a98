// What the reference backend keeps behind the objects that it hands out.
import type { States } from './convolution.js';
import type { PagedCache } from './kv-cache.js';
import type { StackedMatrix } from './matrix.js';
import type { Mlp } from './mlp.js';

/** Numbers of a result, float32 [rows, columns]; a routing is Int32 [T, A], then Float32 [T, A]. */
export interface Result {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export interface ReferenceTypes {
  readonly node: Result;
  readonly weight: StackedMatrix;
  readonly experts: readonly Mlp[];
  readonly mlp: Mlp;
  readonly vector: Float32Array;
  readonly heads: StackedMatrix;
  readonly cache: PagedCache;
  readonly state: States;
}
