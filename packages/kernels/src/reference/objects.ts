// What the reference backend keeps behind the objects that it hands out.
import type { BackendObjects } from '../objects.js';
import type { PagedCache } from './kv-cache.js';
import type { StackedMatrix } from './matrix.js';
import type { Mlp } from './mlp.js';

export type Objects = BackendObjects<{
  weight: StackedMatrix;
  experts: readonly Mlp[];
  mlp: Mlp;
  vector: Float32Array;
  cache: PagedCache;
}>;
