// A matrix whose rows belong to heads, as latent attention multiplies it, from both sides: float rows, those of a head in one
// heap. Quantized ones become binary16, since no kernel multiplies codes across rows; numbers above its range become float32.
import type { MatrixData, MatrixHead } from '@moeq/kernels';
import { decodeTensor, fromFloat32, isQuantized } from '@moeq/tensors';
import { type LoadedMatrix, loadMatrix } from './load-matrix.js';
import type { Store } from './store.js';

/** The largest number of binary16. */
const largestHalf = 65504;

/** @throws MoeqError when memory is short */
export function loadHeads(store: Store, data: MatrixData, heads: number): LoadedMatrix {
  const together = (data.shape[0] as number) / heads;
  return loadMatrix(store, floatsOf(data), { together });
}

/** What the heaps hold of it. */
export function heldHead(head: MatrixHead): MatrixHead {
  return head.layout === undefined ? head : { shape: head.shape, dtype: 'F16' };
}

function floatsOf(data: MatrixData): MatrixData {
  if (!isQuantized(data)) return data;
  const values = decodeTensor(data);
  const dtype = values.every((value) => Math.abs(value) <= largestHalf) ? 'F16' : 'F32';
  return { dtype, shape: data.shape, data: fromFloat32(values, dtype) };
}
