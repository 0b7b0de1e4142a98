// Matrices stacked one below the other, kept as they came and decoded a row at a time: the whole is never expanded.
//
// Shapes: N rows of the stack, K columns.
import { bytesPerElement, decodeRows, isQuantized, toFloat32 } from '@moeq/tensors';
import type { MatrixData, Weight } from '../resources.js';

export interface StackedMatrix extends Weight {
  readonly parts: readonly MatrixData[];
}

/** Copies the parts, which have as many columns, into one matrix. */
export function stackRows(parts: readonly MatrixData[]): StackedMatrix {
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  const columns = parts[0]?.shape[1] as number;
  const copies = parts.map(copyMatrix);
  return { rows, columns, bytes: copies.reduce((sum, part) => sum + heldBytes(part), 0), parts: copies };
}

function copyMatrix(data: MatrixData): MatrixData {
  if (!isQuantized(data)) return { ...data, data: data.data.slice() };
  const planes = Object.entries(data.planes).map(([name, plane]) => [
    name,
    { ...plane, data: plane.data.slice() },
  ]);
  return { ...data, planes: Object.fromEntries(planes) };
}

function heldBytes(data: MatrixData): number {
  if (!isQuantized(data)) return data.data.byteLength;
  return Object.values(data.planes).reduce((sum, plane) => sum + plane.data.byteLength, 0);
}

/** Decodes row `row` into `out` [K]. The caller has checked 0 <= row < N. */
export function readRow(matrix: StackedMatrix, row: number, out: Float32Array): void {
  let first = 0;
  for (const part of matrix.parts) {
    const rows = part.shape[0] as number;
    if (row < first + rows) {
      readPartRow(part, row - first, matrix.columns, out);
      return;
    }
    first += rows;
  }
}

/** Visits all N rows in order, each decoded once into the same [K] buffer. */
export function forEachRow(matrix: StackedMatrix, visit: (row: Float32Array, index: number) => void): void {
  const row = new Float32Array(matrix.columns);
  let index = 0;
  for (const part of matrix.parts) {
    const rows = part.shape[0] as number;
    for (let i = 0; i < rows; i++) {
      readPartRow(part, i, matrix.columns, row);
      visit(row, index++);
    }
  }
}

function readPartRow(part: MatrixData, row: number, columns: number, out: Float32Array): void {
  if (isQuantized(part)) {
    decodeRows(part, row, 1, out);
  } else {
    const bytes = columns * bytesPerElement(part.dtype);
    toFloat32(part.data.subarray(row * bytes, (row + 1) * bytes), part.dtype, out);
  }
}
