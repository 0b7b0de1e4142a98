// What the backend keeps behind the objects that it hands out.
import type { BackendObjects } from '@moeq/kernels';
import type { StoredVector } from './step/graph.js';
import type { StoredCache } from './step/kv-cache.js';
import type { StoredExperts, StoredWeight } from './weights/store.js';

export type Objects = BackendObjects<{
  weight: StoredWeight;
  experts: StoredExperts;
  mlp: StoredExperts;
  vector: StoredVector;
  cache: StoredCache;
}>;

/** Forgets an object; false when it is in no table. */
export function forgetObject(objects: Objects, object: object): boolean {
  return Object.values(objects).some((handles) => handles.delete(object));
}
