// How weights are divided over buffers, none of which may be larger than one binding. Pure arithmetic on sizes.

/** Rows of one part of a matrix that is too large for a binding. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts `rows` into ranges of at most `limit` bytes.
 * @param bytes of the whole matrix
 * @param quantum rows after which it can be cut
 * @returns null when not even `quantum` rows fit
 */
export function planRows(rows: number, bytes: number, quantum: number, limit: number): RowRange[] | null {
  if (bytes <= limit) return [{ first: 0, count: rows }];
  const most = Math.floor((limit * rows) / bytes / quantum) * quantum;
  if (most === 0) return null;
  const ranges: RowRange[] = [];
  for (let first = 0; first < rows; first += most)
    ranges.push({ first, count: Math.min(most, rows - first) });
  return ranges;
}

/**
 * How many experts of `bytesPerExpert` bytes a new buffer is made for.
 * @param header bytes before the first
 * @returns 0 when not even one fits
 */
export function planExperts(
  remaining: number,
  bytesPerExpert: number,
  header: number,
  limit: number,
): number {
  return Math.min(remaining, Math.max(0, Math.floor((limit - header) / bytesPerExpert)));
}

/**
 * Divides consecutive matrices into runs that one buffer and one dispatch can hold: of one signature, at most `most` of
 * them and `limit` bytes.
 */
export function planRuns<Matrix extends { readonly signature: string; readonly bytes: number }>(
  matrices: readonly Matrix[],
  most: number,
  header: number,
  limit: number,
): Matrix[][] {
  const runs: Matrix[][] = [];
  let bytes = 0;
  for (const matrix of matrices) {
    const run = runs.at(-1);
    if (
      run !== undefined &&
      run[0]?.signature === matrix.signature &&
      run.length < most &&
      bytes + matrix.bytes <= limit
    ) {
      run.push(matrix);
      bytes += matrix.bytes;
    } else {
      runs.push([matrix]);
      bytes = header + matrix.bytes;
    }
  }
  return runs;
}
