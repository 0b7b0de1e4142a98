// Tensors of experts that lie otherwise in files than in the decoder, as the decoder has them: matrices that are transposed, as
// models written x W store them, and gates and ups in turn, as gpt-oss has them. Plain tensors are turned as they are read, a
// matrix at a time; of quantized ones rows change places, their codes and scales as they are.
//
// Shapes: E experts, N rows, K columns.
import { stackMatrices } from '@moeq/quantizers';
import {
  bytesPerElement,
  elementCount,
  type QuantizedTensor,
  sliceMatrix,
  sliceRows,
  viewAs,
} from '@moeq/tensors';
import type { Arrangement } from '../config/architecture.js';
import type { StoredTensor } from '../files/file-set.js';

/** The shape in files of a shape in the decoder; that of vectors [E, N] is the same. */
export function turnedShape(
  shape: readonly number[],
  { transposed = false, flat = false }: Arrangement,
): readonly number[] {
  const [experts = 0, first = 0, second] = shape;
  if (second === undefined) return shape;
  const [rows, columns] = transposed ? [second, first] : [first, second];
  return flat ? [experts * rows, columns] : [experts, rows, columns];
}

/** Matrices that are in memory because a part of them has been asked for and the rest has not. */
const MOST_HELD = 16;

/**
 * A tensor as the decoder has it.
 * @param stored in F32, F16 or BF16, of the shape that `turnedShape` gives
 * @param shape [E, N, K] or [E, N]
 */
export function arranged(
  stored: StoredTensor,
  shape: readonly number[],
  arrangement: Arrangement,
): StoredTensor {
  const { name, dtype, bytes, file } = stored;
  const [experts = 0, rows = 0, columns = 1] = shape;
  const matrixBytes = bytesPerElement(dtype) * elementCount(shape.slice(1));
  const held = new Map<number, { readonly matrix: Promise<Uint8Array>; left: number }>();

  const load = async (expert: number, signal?: AbortSignal): Promise<Uint8Array> => {
    const data = await stored.readBytes(expert * matrixBytes, matrixBytes, signal);
    return turned(data, bytesPerElement(dtype), rows, columns, arrangement);
  };
  /** A matrix of which `count` bytes are wanted; it is kept until all of them have been. */
  const take = (expert: number, count: number, signal?: AbortSignal): Promise<Uint8Array> => {
    const entry = held.get(expert) ?? { matrix: load(expert, signal), left: matrixBytes };
    held.delete(expert);
    entry.left -= count;
    if (entry.left > 0) {
      held.set(expert, entry);
      entry.matrix.catch(() => held.delete(expert));
      const [oldest] = held.keys();
      if (held.size > MOST_HELD && oldest !== undefined) held.delete(oldest);
    }
    return entry.matrix;
  };
  const readBytes: StoredTensor['readBytes'] = async (offset, length, signal, into) => {
    // refused with the words of what is stored
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes))
      return stored.readBytes(offset, length, signal, into);
    const out = into ?? new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const expert = Math.floor((offset + done) / matrixBytes);
      const from = offset + done - expert * matrixBytes;
      const count = Math.min(length - done, matrixBytes - from);
      const matrix = await take(expert, count, signal);
      out.set(matrix.subarray(from, from + count), done);
      done += count;
    }
    return out;
  };
  const read = async (signal?: AbortSignal) => ({
    dtype,
    shape,
    data: await readBytes(0, experts * matrixBytes, signal),
  });
  return { name, dtype, shape, bytes, file, read, readBytes };
}

/** Elements in a row and a column of the squares that a matrix is transposed by, so that both stay in the processor's cache. */
const SQUARE = 32;

/** One matrix [N, K], or a vector as one of one column. */
function turned(
  data: Uint8Array,
  elementBytes: number,
  rows: number,
  columns: number,
  { transposed = false, interleaved = false }: Arrangement,
): Uint8Array {
  const View = elementBytes === 4 ? Uint32Array : Uint16Array;
  const from = viewAs<Uint32Array | Uint16Array>(View, data);
  const out = new View(from.length);
  const sourceOf = (row: number) => (interleaved ? storedRow(row, rows) : row);
  if (!transposed || columns === 1) {
    for (let row = 0; row < rows; row++) {
      const source = sourceOf(row) * columns;
      out.set(from.subarray(source, source + columns), row * columns);
    }
    return new Uint8Array(out.buffer);
  }
  for (let top = 0; top < rows; top += SQUARE) {
    const bottom = Math.min(rows, top + SQUARE);
    for (let left = 0; left < columns; left += SQUARE) {
      const right = Math.min(columns, left + SQUARE);
      for (let row = top; row < bottom; row++) {
        const source = sourceOf(row);
        for (let column = left; column < right; column++)
          out[row * columns + column] = from[column * rows + source] as number;
      }
    }
  }
  return new Uint8Array(out.buffer);
}

/** Where row `row` of gates above ups is among rows of both in turn. */
function storedRow(row: number, rows: number): number {
  const half = rows / 2;
  return row < half ? 2 * row : 2 * (row - half) + 1;
}

/**
 * Gates above ups, of a tensor [N, K] or [E, N, K] that has them in turn.
 * @param name for messages
 * @throws MoeqError where rows share bytes, blocks or nested blocks
 */
export function gatesFirst(tensor: QuantizedTensor, name: string): QuantizedTensor {
  const [first = 0, ...rest] = tensor.shape;
  if (rest.length > 1) {
    const matrices = Array.from({ length: first }, (_, expert) =>
      gatesFirst(sliceMatrix(tensor, expert), name),
    );
    return stackMatrices(matrices, name);
  }
  /** That rows can be cut out, and what of each plane is one. */
  const row = sliceRows(tensor, Math.min(1, first - 1), 1);
  const planes = Object.entries(tensor.planes).map(([plane, { dtype, data }]) => {
    const bytes = row.planes[plane]?.data.byteLength ?? 0;
    // one number of the whole matrix
    if (plane.endsWith('Offset')) return [plane, { dtype, data }] as const;
    const moved = new Uint8Array(data.byteLength);
    for (let at = 0; at < first; at++) {
      const source = storedRow(at, first) * bytes;
      moved.set(data.subarray(source, source + bytes), at * bytes);
    }
    return [plane, { dtype, data: moved }] as const;
  });
  return { ...tensor, planes: Object.fromEntries(planes) };
}
