// Rows of a matrix against activations.
//
// Shapes: T tokens, N rows, K columns.
import { matrixRecord, wordsIn } from '../abi/records.js';
import { shareStart } from '../share.js';
import { mostItems } from './claims.js';
import type { Machine } from './machine.js';
import { runItems } from './run-items.js';

const at = wordsIn(matrixRecord);

/** Activations as a matrix takes them. */
export interface Intakes {
  /** 0: float32 at x; else integers, so many at a time. */
  readonly unit: number;
  readonly x: number;
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
  const { words } = machine;
  const step = itemRows(words[record / 4 + at.columns] as number, tokens, rows);
  const ownRows = words[record / 4 + at.rows] as number;
  const everywhere = ownRows === rows;
  const rowsAt = (owner: Machine): number =>
    owner === machine ? ownRows : (owner.words[record / 4 + at.rows] as number);
  runItems(
    machine,
    (owner) => (everywhere && owner !== machine ? 0 : Math.ceil(rowsAt(owner) / step)),
    (owner, item) => {
      const from = step * item;
      const range = { from, to: Math.min(from + step, rowsAt(owner)) };
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
  machine: Machine,
  { record, rows }: { readonly record: number; readonly rows: number },
  { from, to }: { readonly from: number; readonly to: number },
  { unit, x, scales, sums }: Intakes,
  list: number,
  tokens: number,
  out: number,
  outColumns: number,
): void {
  const { words } = machine;
  const kernel = words[record / 4 + at.kernel] as number;
  const first =
    words[record / 4 + at.rows] === rows ? from : from + shareStart(rows, machine.thread, machine.threads);
  const own = out + 4 * first;
  const stride = 4 * outColumns;
  const kernels = unit === 0 ? undefined : machine.linearKernels[kernel]?.[unit];
  if (kernels === undefined) {
    machine.kernels.floatLinear(record, x, list, tokens, from, to, own, stride);
  } else if (kernels.planes === 1) {
    if (tokens === 1) kernels.vector(record, x, list, from, to, own);
    else kernels.tile(record, x, list, tokens, from, to, own, stride);
  } else if (tokens === 1) kernels.vector(record, x, scales, sums, list, from, to, own);
  else kernels.tile(record, x, scales, sums, list, tokens, from, to, own, stride);
}
