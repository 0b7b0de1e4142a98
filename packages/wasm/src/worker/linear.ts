// Rows of a matrix against activations.
//
// Shapes: T tokens, N rows, K columns.

import { type ActivationForm, kernels as kernelNumbers } from '../matrix-record.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';
import { mostItems, runItems } from './turns.js';

// Exports by unit, written out: to put a name together takes as long as a few rows.
const affine4 = {
  vector: { 32: 'vectorAffine4x32', 64: 'vectorAffine4x64' },
  tile: { 32: 'tileAffine4x32', 64: 'tileAffine4x64' },
} as const;
const codebook4 = {
  vector: { 32: 'vectorCodebook4x32', 64: 'vectorCodebook4x64' },
  tile: { 32: 'tileCodebook4x32', 64: 'tileCodebook4x64' },
} as const;
const signed8 = {
  vector: { 32: 'vectorSigned8x32', 64: 'vectorSigned8x64' },
  tile: { 32: 'tileSigned8x32', 64: 'tileSigned8x64' },
} as const;
const unsigned8 = {
  vector: { 32: 'vectorUnsigned8x32', 64: 'vectorUnsigned8x64' },
  tile: { 32: 'tileUnsigned8x32', 64: 'tileUnsigned8x64' },
} as const;

/** By number, the kernels of codes. */
const nibbleKernels: Readonly<Record<number, typeof affine4 | typeof codebook4>> = {
  [kernelNumbers.affine4]: affine4,
  [kernelNumbers.codebook4]: codebook4,
};
const integerKernels: Readonly<Record<number, typeof signed8 | typeof unsigned8>> = {
  [kernelNumbers.signed8]: signed8,
  [kernelNumbers.unsigned8]: unsigned8,
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

/** Weights times tokens of one item: some tens of microseconds, so that threads end about together. */
const itemProducts = 2 ** 18;

/** Rows that a kernel needs at least to take them as fast as many. */
const leastRows = 16;

/**
 * Rows of an item.
 * @param columns of all matrices that it multiplies
 */
export function itemRows(columns: number, tokens: number, rows: number): number {
  const wanted = itemProducts / (columns * tokens);
  return leastRows * Math.ceil(Math.max(wanted, rows / mostItems, 1) / leastRows);
}

/**
 * All rows against the first `tokens`: this thread's, and those that others are behind with.
 * @param rows N, of all threads; a record of as many is of a thread that has them all
 * @param out address of column 0 of the N, in rows of `outColumns`
 */
export function multiplyShares(
  machine: Machine,
  matrix: { readonly record: number; readonly rows: number },
  intakes: Intakes,
  tokens: number,
  out: number,
  outColumns: number,
): void {
  const { record, rows } = matrix;
  const [, , , columns] = operands(machine.words, record / 4, 4);
  const ownRows = ({ words }: Machine): number => words[record / 4 + 1] as number;
  const step = itemRows(columns, tokens, rows);
  const everywhere = ownRows(machine) === rows;
  runItems(
    machine,
    (owner) => (everywhere && owner !== machine ? 0 : Math.ceil(ownRows(owner) / step)),
    (owner, item) => {
      const from = step * item;
      const range = { from, to: Math.min(from + step, ownRows(owner)) };
      multiplyShare(owner, matrix, range, intakes, 0, tokens, out, outColumns);
    },
  );
}

/**
 * Some rows of a thread's share.
 * @param range rows, counted in the share
 * @param list address of U32 [tokens], rows of x; 0: the first `tokens`
 */
export function multiplyShare(
  { kernels, words, thread, threads }: Machine,
  { record, rows }: { readonly record: number; readonly rows: number },
  { from, to }: { readonly from: number; readonly to: number },
  { unit, x, scales, sums }: Intakes,
  list: number,
  tokens: number,
  out: number,
  outColumns: number,
): void {
  const [kernel, ownRows] = operands(words, record / 4, 2);
  const first = ownRows === rows ? from : from + shareStart(rows, thread, threads);
  const own = out + 4 * first;
  const stride = 4 * outColumns;
  const nibble = nibbleKernels[kernel];
  const integer = integerKernels[kernel];
  if (unit !== 0 && nibble !== undefined) {
    if (tokens === 1) kernels[nibble.vector[unit]](record, x, list, from, to, own);
    else kernels[nibble.tile[unit]](record, x, list, tokens, from, to, own, stride);
  } else if (unit !== 0 && integer !== undefined) {
    if (tokens === 1) kernels[integer.vector[unit]](record, x, scales, sums, list, from, to, own);
    else kernels[integer.tile[unit]](record, x, scales, sums, list, tokens, from, to, own, stride);
  } else {
    kernels.floatLinear(record, x, list, tokens, from, to, own, stride);
  }
}

/** Bytes of one token's activations: assembly/quantize-activations.ts. */
export function tokenBytes(form: ActivationForm, columns: number, unit: number): number {
  if (form === 'float') return 4 * columns;
  if (form === 'plain') return 2 * columns;
  if (form === 'pairs') return 2 * columns + 12 * (columns / unit);
  return 4 * columns + 16 * (columns / 32 + columns / unit);
}

/** Bytes of the scales of one token for 8-bit codes. */
export function scalesStride(columns: number, unit: number): number {
  return Math.ceil(columns / unit / 4) * 16;
}
