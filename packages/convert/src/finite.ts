// Finds NaN and infinity in the raw bytes of a tensor. In F32, F16, BF16 (IEEE 754 and its upper half) a number is finite
// unless all bits of its exponent are set, so nothing needs to be widened.
import { type DType, type FloatDType, isFloatDType } from '@moeq/tensors';

const exponents: Readonly<Record<FloatDType, number>> = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 };

/**
 * @param data little-endian elements, at an address that is a multiple of the element's size
 * @returns index of the first element that is NaN or infinite, or -1; -1 for integers and for floats of 8 and 64 bits
 */
export function findNonFinite(data: Uint8Array, dtype: DType): number {
  if (!isFloatDType(dtype)) return -1;
  const mask = exponents[dtype];
  const words =
    dtype === 'F32'
      ? new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4)
      : new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  for (let i = 0; i < words.length; i++) {
    if (((words[i] as number) & mask) === mask) return i;
  }
  return -1;
}
