// Tensors whose bytes are not those of the file: made of all that it holds of them, so that a part costs what the whole costs.
import {
  type ByteSource,
  byteLength,
  type DType,
  decodeTensor,
  fromGgufBlocks,
  type GgufEntry,
  isQuantized,
  quote,
  toFloat32,
} from '@moeq/tensors';
import type { StoredTensor } from '../files/file-set.js';

/** @param readAll the bytes of the tensor */
export function computedTensor(
  { name, dtype, shape, file }: Pick<StoredTensor, 'name' | 'shape' | 'file'> & { readonly dtype: DType },
  readAll: (signal?: AbortSignal) => Promise<Uint8Array>,
): StoredTensor {
  return {
    ...{ name, dtype, shape, file },
    bytes: byteLength(dtype, shape),
    read: async (signal) => ({ dtype, shape, data: await readAll(signal) }),
    readBytes: async (offset, length, signal) => (await readAll(signal)).slice(offset, offset + length),
  };
}

/** Float32 of the numbers of a tensor, as its bytes say. @param shape that they have here */
export async function readFloats(
  source: ByteSource,
  { name, type, offset, bytes }: Pick<GgufEntry, 'name' | 'type' | 'offset' | 'bytes'>,
  shape: readonly number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const data = await source.read(offset, bytes, signal);
  const tensor = fromGgufBlocks(type, shape, data, `${source.name}: tensor ${quote(name)}`);
  return isQuantized(tensor) ? decodeTensor(tensor) : toFloat32(tensor.data, tensor.dtype);
}
