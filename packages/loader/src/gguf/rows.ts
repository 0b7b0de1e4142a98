// The order of rows in query and key matrices. llama.cpp rotates numbers 2i and 2i + 1 of a head, transformers i and
// i + C/2, so converters write row i + p * C/2 of a head (p 0 or 1) as its row 2i + p. A row is bytes, whatever its type.
//
// Shapes: N rows, C head dimension.
import type { DecoderConfig, TensorPlace } from '@moeq/runtime';
import { attentionOf } from '../config/attention-of.js';
import type { GgufArchitecture } from './architecture.js';

/** Where row `row` of the other order is: the row of a GGUF matrix that is row `row` of the checkpoint's. */
export function rowInGguf(row: number, headDim: number): number {
  const within = row % headDim;
  const half = headDim / 2;
  return row - within + 2 * (within % half) + Math.floor(within / half);
}

/** The row of the checkpoint's matrix that is row `row` of a GGUF matrix. */
export function rowOfGguf(row: number, headDim: number): number {
  const within = row % headDim;
  return row - within + (within % 2) * (headDim / 2) + Math.floor(within / 2);
}

/** The head dimension by which rows of a tensor are put in order; null where they lie alike on both sides. */
export function permutedHeads(
  { permuted }: Pick<GgufArchitecture, 'permuted'>,
  { layers }: DecoderConfig,
  { slot, layer }: TensorPlace,
): number | null {
  if (!permuted || (slot !== 'query' && slot !== 'key') || layer === undefined) return null;
  return attentionOf(layers[layer])?.headDim ?? null;
}

/** Rows taken in another order. @param source the row that comes at a place */
export function reorderRows(data: Uint8Array, rows: number, source: (row: number) => number): Uint8Array {
  const bytes = data.byteLength / Math.max(rows, 1);
  const out = new Uint8Array(data.byteLength);
  for (let row = 0; row < rows; row++) {
    const from = source(row) * bytes;
    out.set(data.subarray(from, from + bytes), row * bytes);
  }
  return out;
}
