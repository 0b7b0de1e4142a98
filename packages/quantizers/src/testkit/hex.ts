import { createHash } from 'node:crypto';
import type { QuantizedTensor } from '@moeq/tensors';

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes of a plane. */
export function planeBytes(tensor: QuantizedTensor, name: string): Uint8Array {
  const plane = tensor.planes[name];
  if (plane === undefined) throw new Error(`no plane ${name}`);
  return plane.data;
}
