// Integers with a scale, and perhaps a zero point, for each group of inputs, as GPTQ, AWQ and compressed-tensors have them. Inputs
// in the order of their activations (act-order) have groups that do not follow one another: each number has its own scale then.
//
// Shapes: N rows, K columns, G groups of a row.
import type { FloatDType, Layout } from '@moeq/tensors';
import { formError } from './form-source.js';

type Zero = Extract<Layout['decode'], { readonly kind: 'affine' }>['zero'];

export function groupLayout(bitsPerCode: 4 | 8, blockSize: number, dtype: FloatDType, zero: Zero): Layout {
  return {
    bitsPerCode,
    order: 'lowFirst',
    blockSize,
    blocks: 'row',
    decode: { kind: 'affine', zero },
    scale: { kind: 'plain', dtype, multiplier: 1 },
  };
}

/**
 * @param subject the module, for the message
 * @param index the group of each column
 * @returns null where groups of so many columns follow one another
 * @throws MoeqError for a group that is not there
 */
export function spreadOf(
  subject: string,
  index: Int32Array,
  size: number,
  groups: number,
): Int32Array | null {
  const wrong = index.find((group) => group < 0 || group >= groups);
  if (wrong !== undefined) throw formError(subject, `a g_idx of groups below ${groups}`, `${wrong}`);
  return index.every((group, column) => group === Math.floor(column / size)) ? null : index;
}

/** For each column what its group has: [N, K] of [N, G] in elements of so many bytes; as they are without an index. */
export function spreadBytes(
  data: Uint8Array,
  size: number,
  rows: number,
  groups: number,
  index: Int32Array | null,
): Uint8Array {
  if (index === null) return data;
  const out = new Uint8Array(rows * index.length * size);
  for (let row = 0; row < rows; row++) {
    index.forEach((group, column) => {
      const from = (row * groups + group) * size;
      out.set(data.subarray(from, from + size), (row * index.length + column) * size);
    });
  }
  return out;
}
