// Which backend computes. `auto` is the best one that works on this machine.
import { type Backend, referenceBackend } from '@moeq/kernels';

export const backendNames = ['auto', 'reference'] as const;
export type BackendName = (typeof backendNames)[number];

/** @param _threads how many may compute; the reference backend has one whatever is asked */
export async function openBackend(name: BackendName, _threads?: number): Promise<Backend> {
  switch (name) {
    case 'auto':
    case 'reference':
      return referenceBackend();
  }
}
