// States in slots in the heaps: each thread holds those of the parts that it computes, float32.
import type { StateCacheSpec } from '@moeq/kernels';
import type { LoadedStates } from './loaded.js';
import { longestShare } from './share.js';
import type { Store } from './store.js';

/** Bytes of a slot of one layer in every heap. */
function stride({ parts, size }: StateCacheSpec, threads: number): number {
  return 4 * size * longestShare(parts, threads);
}

/** Bytes in every heap. */
export function stateCacheBytes(spec: StateCacheSpec, threads: number): number {
  return spec.layers * spec.slots * stride(spec, threads);
}

/** @throws MoeqError when memory is short */
export function createStates(store: Store, spec: StateCacheSpec): LoadedStates {
  const address = store.allocate(stateCacheBytes(spec, store.threads), 'state cache');
  const { layers, parts, size, slots } = spec;
  const bytes = 4 * layers * slots * parts * size;
  return { spec, bytes, address, stride: stride(spec, store.threads) };
}
