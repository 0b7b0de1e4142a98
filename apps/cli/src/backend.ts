// Which backend computes. `auto` is the best one that works on this machine.
import { type Backend, referenceBackend } from '@moeq/kernels';
import { wasmBackend } from '@moeq/wasm';

export const backendNames = ['auto', 'cpu', 'reference'] as const;
export type BackendName = (typeof backendNames)[number];

/** @param threads how many may compute; the backend's own choice unless given, and always one in the reference backend */
export async function openBackend(name: BackendName, threads?: number): Promise<Backend> {
  switch (name) {
    case 'auto':
    case 'cpu':
      return wasmBackend(threads === undefined ? {} : { threads });
    case 'reference':
      return referenceBackend();
  }
}
