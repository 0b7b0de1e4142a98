// How far one matrix is from another, in pieces of rows, so that a vocabulary of any size is never whole in float32.
//
// Shapes: N rows, K columns.
import type { MatrixData } from '@moeq/kernels';
import {
  addNorms,
  byteLength,
  decodeRows,
  isQuantized,
  type SquaredNorms,
  squaredNorms,
  toFloat32,
} from '@moeq/tensors';

/** Elements that are decoded at a time: 4 MiB of float32. */
const pieceElements = 2 ** 20;

/**
 * @param exact matrices [.., K] one below the other
 * @param others [.., K] with as many rows in all, cut anywhere
 */
export function matrixNorms(exact: readonly MatrixData[], others: readonly MatrixData[]): SquaredNorms {
  const columns = exact[0]?.shape[1] ?? 0;
  const rows = exact.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const step = Math.max(1, Math.floor(pieceElements / Math.max(columns, 1)));
  const norms: SquaredNorms[] = [];
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const [a, b] = [exact, others].map((parts) => stackedRows(parts, first, count, columns));
    norms.push(squaredNorms(a as Float32Array, b as Float32Array));
  }
  return addNorms(norms);
}

/** Rows of matrices one below the other, Float32 [count, K]. */
function stackedRows(
  parts: readonly MatrixData[],
  first: number,
  count: number,
  columns: number,
): Float32Array {
  const out = new Float32Array(count * columns);
  let offset = 0; // of the part, in rows
  for (const part of parts) {
    const end = offset + (part.shape[0] ?? 0);
    const [from, to] = [Math.max(first, offset), Math.min(first + count, end)];
    if (from < to) {
      const target = out.subarray((from - first) * columns, (to - first) * columns);
      decode(part, from - offset, to - from, columns, target);
    }
    offset = end;
  }
  return out;
}

function decode(matrix: MatrixData, first: number, count: number, columns: number, out: Float32Array): void {
  if (isQuantized(matrix)) {
    decodeRows(matrix, first, count, out);
    return;
  }
  const rowBytes = byteLength(matrix.dtype, [columns]);
  toFloat32(matrix.data.subarray(first * rowBytes, (first + count) * rowBytes), matrix.dtype, out);
}
