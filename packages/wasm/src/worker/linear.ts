// This thread's rows of a matrix against activations.
//
// Shapes: T tokens, N rows, K columns.

import { type ActivationForm, kernels as kernelNumbers } from '../matrix-record.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';

/** By number, the kernels of codes as their exports are called. */
const nibbleKernels: Readonly<Record<number, 'Affine4' | 'Codebook4' | undefined>> = {
  [kernelNumbers.affine4]: 'Affine4',
  [kernelNumbers.codebook4]: 'Codebook4',
};
const integerKernels: Readonly<Record<number, 'Signed8' | 'Unsigned8' | undefined>> = {
  [kernelNumbers.signed8]: 'Signed8',
  [kernelNumbers.unsigned8]: 'Unsigned8',
};

/** Activations as a matrix takes them. */
export interface Intakes {
  /** 0: float32 at x; else integers, so many at a time. */
  readonly unit: 0 | 32 | 64;
  readonly x: number;
  /** Of a token at x, in bytes. */
  readonly stride: number;
  /** For 8-bit codes; otherwise 0. */
  readonly scales: number;
  readonly sums: number;
}

/**
 * @param rows N, of all threads; a record of as many is of a thread that has them all
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
  const [kernel, ownRows] = operands(words, record / 4, 2);
  const own = ownRows === rows ? out : out + 4 * shareStart(rows, thread, threads);
  const nibble = nibbleKernels[kernel];
  const integer = integerKernels[kernel];
  if (unit !== 0 && nibble !== undefined) {
    if (tokens === 1) kernels[`vector${nibble}x${unit}`](record, x, list, own);
    else kernels[`tile${nibble}x${unit}`](record, x, list, tokens, own, 4 * outColumns);
  } else if (unit !== 0 && integer !== undefined) {
    if (tokens === 1) kernels[`vector${integer}x${unit}`](record, x, scales, sums, list, own);
    else kernels[`tile${integer}x${unit}`](record, x, scales, sums, list, tokens, own, 4 * outColumns);
  } else {
    kernels.floatLinear(record, x, list, tokens, own, 4 * outColumns);
  }
}

/** Bytes of one token's activations: assembly/quantize-activations.ts. */
export function tokenBytes(form: ActivationForm, columns: number, unit: number): number {
  if (form === 'float') return 4 * columns;
  if (form === 'plain') return 2 * columns;
  if (form === 'words') return 2 * columns + 8 * (columns / unit);
  return 4 * columns + 16 * (columns / 32 + columns / unit);
}

/** Bytes of the scales of one token for 8-bit codes. */
export function scalesStride(columns: number, unit: number): number {
  return Math.ceil(columns / unit / 4) * 16;
}
