// This thread's rows of a matrix against activations.
//
// Shapes: T tokens, N rows, K columns.

import { kernels as kernelNumbers } from '../matrix-record.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';

/** By number, the kernels of integer codes as their exports are called. */
const kernelSuffixes = {
  [kernelNumbers.affine4]: 'Affine4',
  [kernelNumbers.codebook4]: 'Codebook4',
  [kernelNumbers.signed8]: 'Signed8',
  [kernelNumbers.unsigned8]: 'Unsigned8',
} as const satisfies Record<number, string> as Readonly<
  Record<number, 'Affine4' | 'Codebook4' | 'Signed8' | 'Unsigned8' | undefined>
>;

/** Activations as a matrix takes them. */
export interface Intakes {
  /** 0: float32 at x; else integers at x with their scales and sums, so many at a time. */
  readonly unit: 0 | 32 | 64;
  readonly x: number;
  readonly scales: number;
  readonly sums: number;
}

/**
 * @param rows N, of all threads
 * @param list address of U32 [tokens], rows of x; 0: the first `tokens`
 * @param out address of column 0 of the N, in rows of `outColumns`
 */
export function multiplyShare(
  { kernels, words, thread, threads }: Machine,
  { record, rows }: { readonly record: number; readonly rows: number },
  { unit, x, scales, sums }: Intakes,
  list: number,
  tokens: number,
  out: number,
  outColumns: number,
): void {
  const own = out + 4 * shareStart(rows, thread, threads);
  const name = kernelSuffixes[words[record / 4] as number];
  if (unit === 0 || name === undefined) {
    kernels.floatLinear(record, x, list, tokens, own, 4 * outColumns);
  } else if (tokens === 1) {
    kernels[`vector${name}x${unit}`](record, x, scales, sums, list, own);
  } else {
    kernels[`tile${name}x${unit}`](record, x, scales, sums, list, tokens, own, 4 * outColumns);
  }
}

/** Bytes of the scales of one token: assembly/quantize-activations.ts. */
export function scalesStride(columns: number, unit: number): number {
  return Math.ceil(columns / unit / 4) * 16;
}
