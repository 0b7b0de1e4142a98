// One tensor of a file, planned before its data exists, so that a file can be laid out and then written in one pass.
import type { DType } from '@moeq/tensors';

export type StoredPart = { readonly name: string } & (
  | { readonly dtype: DType; readonly shape: readonly number[] }
  /** U8 [n], n at most this. */
  | { readonly maxBytes: number }
);
