// States in slots on the device: a buffer a layer, Float32 [slots, size, parts].
import type { StateCacheSpec } from '@moeq/kernels';
import type { Memory } from '../device/memory.js';
import { usage } from '../device/memory.js';

export interface StoredStates {
  readonly spec: StateCacheSpec;
  readonly bytes: number;
  readonly layers: readonly GPUBuffer[];
}

/** Bytes of the buffer that each layer has. */
export function stateBufferBytes({ parts, size, slots }: StateCacheSpec): number {
  return 4 * parts * size * slots;
}

/** @throws WebGpuError when a layer fits no binding */
export function makeStates(memory: Memory, spec: StateCacheSpec): StoredStates {
  const bytes = stateBufferBytes(spec);
  const layers: GPUBuffer[] = [];
  try {
    for (let layer = 0; layer < spec.layers; layer++)
      layers.push(memory.create('state cache', bytes, usage.storage));
  } catch (error) {
    for (const buffer of layers) memory.destroy(buffer);
    throw error;
  }
  return { spec, bytes: spec.layers * bytes, layers };
}
