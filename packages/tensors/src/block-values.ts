// The numbers that blocks have, scales or offsets, from their planes to float32:
//   plain   element (its multiplier is applied after the code, where LLM.int8 applies it)
//   nested  fround(codebook[code] * nested[block / nested block]) + offset, as bitsandbytes adds absmax together
import { toFloat32 } from './convert.js';
import { MoeqError, quote } from './errors.js';
import type { BlockValues, QuantizedTensor } from './layout.js';
import { float32View } from './views.js';

/** The number of one block, counted within its matrix. */
export type BlockReader = (matrix: number, block: number) => number;

/**
 * A reader of the planes `<name>…` of a tensor whose sizes have been checked. F32 planes are read in place; nested scales
 * stay nested.
 * @param blocks G: blocks of one matrix
 */
export function blockReader(
  tensor: QuantizedTensor,
  name: 'scales' | 'offsets',
  values: BlockValues,
  blocks: number,
): BlockReader {
  const data = planeData(tensor, name);
  if (values.kind === 'plain') {
    const numbers = values.dtype === 'F32' ? float32View(data) : toFloat32(data, values.dtype);
    return (matrix, block) => numbers[matrix * blocks + block] as number;
  }
  const { codebook, blockSize, dtype, hasOffset } = values;
  const groups = Math.ceil(blocks / blockSize);
  const nested = toFloat32(planeData(tensor, `${name}Nested`), dtype);
  const offsets = hasOffset ? toFloat32(planeData(tensor, `${name}Offset`), 'F32') : null;
  return (matrix, block) => {
    const scale = nested[matrix * groups + Math.floor(block / blockSize)] as number;
    const number = Math.fround((codebook[data[matrix * blocks + block] as number] as number) * scale);
    return offsets === null ? number : Math.fround(number + (offsets[matrix] as number));
  };
}

/** Bytes of a plane that the layout needs. @throws MoeqError where the tensor has no plane of that name */
export function planeData({ planes, format }: QuantizedTensor, name: string): Uint8Array {
  const plane = Object.hasOwn(planes, name) ? planes[name] : undefined;
  if (plane !== undefined) return plane.data;
  throw new MoeqError({
    operation: 'read the weights',
    subject: `a tensor in format ${quote(format)}`,
    expected: `plane ${quote(name)}`,
    found: Object.keys(planes).join(', ') || 'none',
  });
}
