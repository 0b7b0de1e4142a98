// What a plan takes on a device. Weights are divided over as many buffers as the device needs; keys and values of a layer lie in
// one buffer each, and so do its states.
import type { LoadPlan, MatrixHead, MemoryNeed } from '@moeq/kernels';
import { byteLength, planeSpecs } from '@moeq/tensors';
import { cacheBufferBytes } from './step/kv-cache.js';
import { stateBufferBytes } from './step/state-cache.js';
import type { CacheDType } from './wgsl/prepare.js';

/** @param limit bytes that the device binds at once */
export function deviceMemory(plan: LoadPlan, dtype: CacheDType, limit: number): MemoryNeed {
  const matrices = [
    ...plan.weights.flat(),
    ...plan.mlps.flatMap(({ gateUp, down }) => [...gateUp, down]),
    ...plan.heads.map(({ matrix }) => matrix),
  ];
  const weights = matrices.reduce((sum, head) => sum + bytesOf(head), 0);
  const biases = plan.mlps.reduce((sum, { biases: count = 0 }) => sum + 4 * count, 0);
  const vectors = plan.vectors.reduce((sum, length) => sum + 4 * length, 0);
  let cacheBytes = 0;
  let largest = 0;
  for (const spec of plan.caches) {
    const { keys, values } = cacheBufferBytes(spec, dtype);
    cacheBytes += spec.layers * (keys + values);
    largest = Math.max(largest, keys, values);
  }
  for (const spec of plan.states) {
    const bytes = stateBufferBytes(spec);
    cacheBytes += spec.layers * bytes;
    largest = Math.max(largest, bytes);
  }
  const bytes = weights + biases + vectors + cacheBytes;
  return { bytes, cacheBytes, unit: 'buffer', units: 1, largest, limit };
}

function bytesOf({ shape, dtype, layout }: MatrixHead): number {
  if (layout === undefined) return byteLength(dtype, shape);
  return planeSpecs(layout, shape).reduce((sum, { bytes }) => sum + bytes, 0);
}
