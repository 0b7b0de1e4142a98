// The numbers that blocks have, scales or offsets, from their planes to float32:
//   plain   element (the multiplier is applied after the code, where LLM.int8 applies it)
//   nested  fround(codebook[code] * nested[block / nested block]) + offset, as bitsandbytes adds absmax together
import { toFloat32 } from './convert.js';
import { bytesPerElement } from './dtype.js';
import type { BlockValues, QuantizedTensor } from './layout.js';

/** Reads `out.length` numbers of one matrix, from block `first` on. G: blocks of one matrix. */
export type BlockReader = (matrix: number, first: number, out: Float32Array) => void;

/** A reader of the planes `<name>…` of a tensor whose sizes have been checked. */
export function blockReader(
  tensor: QuantizedTensor,
  name: 'scales' | 'offsets',
  values: BlockValues,
  blocks: number,
): BlockReader {
  const data = planeData(tensor, name);
  if (values.kind === 'plain') {
    const size = bytesPerElement(values.dtype);
    return (matrix, first, out) => {
      const at = (matrix * blocks + first) * size;
      toFloat32(data.subarray(at, at + out.length * size), values.dtype, out);
    };
  }
  const { codebook, blockSize, dtype, hasOffset } = values;
  const groups = Math.ceil(blocks / blockSize);
  // one number for each blockSize blocks: converted once and kept
  const nested = toFloat32(planeData(tensor, `${name}Nested`), dtype);
  const offsets = hasOffset ? toFloat32(planeData(tensor, `${name}Offset`), 'F32') : null;
  return (matrix, first, out) => {
    const codes = data.subarray(matrix * blocks + first);
    const offset = offsets === null ? 0 : (offsets[matrix] as number);
    for (let i = 0; i < out.length; ) {
      const group = Math.floor((first + i) / blockSize);
      const scale = nested[matrix * groups + group] as number;
      const end = Math.min(out.length, (group + 1) * blockSize - first);
      for (; i < end; i++) out[i] = Math.fround((codebook[codes[i] as number] as number) * scale) + offset;
    }
  };
}

export function planeData(tensor: QuantizedTensor, name: string): Uint8Array {
  return tensor.planes[name]?.data ?? new Uint8Array(0);
}
