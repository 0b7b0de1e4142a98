// Planes of freshly made arrays. Hosts are little-endian, as every engine that runs JavaScript today is.
import type { Plane } from '@moeq/tensors';

/** @returns an F32 plane of the same memory */
export function floatPlane(values: Float32Array): Plane {
  return { dtype: 'F32', data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** @returns a U8 plane of the same memory */
export function bytePlane(data: Uint8Array): Plane {
  return { dtype: 'U8', data };
}
