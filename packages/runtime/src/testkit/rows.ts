// Float64 arithmetic on plain arrays, for implementations that are read rather than run. An index outside a row is NaN,
// so that a mistake shows.
import type { MatrixData } from '@moeq/kernels';
import { float32View } from '@moeq/tensors';

export type Row = number[];
export type Matrix = Row[];

export function at(row: Row | undefined, index: number): number {
  return row?.[index] ?? Number.NaN;
}

export function add(a: Row, b: Row, factor = 1): Row {
  return a.map((value, i) => value + factor * at(b, i));
}

export function scaled(a: Row, factor: number): Row {
  return a.map((value) => value * factor);
}

export function dot(a: Row, b: Row): number {
  return a.reduce((total, value, i) => total + value * at(b, i), 0);
}

export function multiply(matrix: Matrix, x: Row): Row {
  return matrix.map((row) => dot(row, x));
}

export function sum(a: Row): number {
  return a.reduce((total, value) => total + value, 0);
}

export function softmax(x: Row): Row {
  const max = Math.max(...x);
  const powers = x.map((value) => Math.exp(value - max));
  return scaled(powers, 1 / sum(powers));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function rmsNorm(x: Row, weight: Row, epsilon: number): Row {
  const factor = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => value * factor * at(weight, i));
}

/** A row as rows of `size`. */
export function chunks(row: Row, size: number): Matrix {
  return Array.from({ length: row.length / size }, (_, i) => row.slice(i * size, (i + 1) * size));
}

/** @param data plain F32 */
export function toMatrix(data: MatrixData): Matrix {
  if (!('data' in data) || data.dtype !== 'F32') throw new Error('plain F32 only');
  return chunks([...float32View(data.data)], data.shape.at(-1) ?? 0);
}

/** The largest |a - b|; NaN where one of them is NaN or the lengths differ. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  return Array.from(a).reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))),
    0,
  );
}
