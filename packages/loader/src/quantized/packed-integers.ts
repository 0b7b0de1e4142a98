// Integers of a few bits in 32-bit words, the first in the lowest bits, as GPTQ, AWQ and compressed-tensors pack them. Integers
// of three bits may lie across two words.
import { type Plane, packCodes, type Tensor, viewAs } from '@moeq/tensors';

export function wordsOf({ data }: Tensor): Uint32Array {
  return viewAs<Uint32Array>(Uint32Array, data);
}

/**
 * Integer `index` of a column of words.
 * @param at the column's first word. @param stride words from one to the next
 */
export function integerAt(
  words: Uint32Array,
  bits: number,
  index: number,
  at: number,
  stride: number,
): number {
  const bit = index * bits;
  const word = bit >>> 5;
  const shift = bit & 31;
  let value = (words[at + word * stride] as number) >>> shift;
  if (shift + bits > 32) value |= (words[at + (word + 1) * stride] as number) << (32 - shift);
  return value & (2 ** bits - 1);
}

/** The plane of codes, one a byte in `codes`. */
export function codesPlane(codes: Uint8Array, bitsPerCode: 4 | 8): Plane {
  return { dtype: 'U8', data: bitsPerCode === 4 ? packCodes(codes, 4, 'lowFirst') : codes };
}

/** A matrix [N, M] of the elements of another [M, N]. */
export function transposed<View extends Uint8Array | Uint16Array | Uint32Array>(
  from: View,
  to: View,
  rows: number,
): View {
  const columns = rows === 0 ? 0 : from.length / rows;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      to[column * rows + row] = from[row * columns + column] as number;
  return to;
}
