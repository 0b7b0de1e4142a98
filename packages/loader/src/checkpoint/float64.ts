// Tensors in F64 as F32, rounded to the nearest, as transformers reads them; no kernel computes in doubles.
import { bytesPerElement, MoeqError, quote, toFloat32 } from '@moeq/tensors';
import type { StoredTensor } from '../files/file-set.js';

const wide = bytesPerElement('F64');
const narrow = bytesPerElement('F32');

/** @param stored in F64 */
export function asFloat32(stored: StoredTensor): StoredTensor {
  const { bytes, file, name, shape } = stored;
  return {
    name,
    dtype: 'F32',
    shape,
    bytes: (bytes / wide) * narrow,
    file,
    async read(signal) {
      const { data } = await stored.read(signal);
      return { dtype: 'F32', shape, data: bytesOf(toFloat32(data, 'F64')) };
    },
    async readBytes(offset, length, signal, into) {
      if (offset % narrow !== 0 || length % narrow !== 0) {
        throw new MoeqError({
          operation: 'read a part of it',
          subject: `${file}: ${quote(name, 120)}`,
          expected: `whole elements of ${narrow} bytes`,
          found: `${length} bytes from ${offset}`,
        });
      }
      const scale = wide / narrow;
      const data = await stored.readBytes(offset * scale, length * scale, signal);
      const converted = bytesOf(toFloat32(data, 'F64'));
      if (into === undefined) return converted;
      into.set(converted);
      return into;
    },
  };
}

function bytesOf({ buffer, byteLength, byteOffset }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
