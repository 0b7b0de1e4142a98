// A plain tensor in memory: little-endian bytes, row-major.
import type { DType } from './dtype.js';

export interface Tensor {
  readonly dtype: DType;
  /** Outermost dimension first; a weight matrix is [N rows = outputs, K columns = inputs]. */
  readonly shape: readonly number[];
  /** byteLength(dtype, shape) bytes. */
  readonly data: Uint8Array;
}
