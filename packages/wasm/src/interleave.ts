// 4-bit codes as their kernels read them: eight rows interleaved, so that one vector holds codes of four and every row adds up
// in a lane of its own. 32 bytes are four bytes of each of eight rows, the next 32 the next four of each. The scales of a
// unit lie likewise: those of eight rows, then those of the next unit. Not a byte more is kept, but for rows that are missing
// to the last eight.
//
// Shapes: N rows, K columns, E elements of a row.

import { interleavedRows } from './abi/sizes.js';

/** Bytes of so many rows, filled up to whole eights. */
export function interleavedBytes(rows: number, rowBytes: number): number {
  return interleavedRows * Math.ceil(rows / interleavedRows) * rowBytes;
}

/**
 * @param rows Uint8 [N, rowBytes]
 * @param rowBytes a multiple of `size`
 * @param size of an element in bytes: 4 for codes, 1, 2 or 4 for scales
 * @param out Uint8 [interleavedBytes], on a multiple of four bytes; missing rows become zeros
 */
export function interleaveRows(rows: Uint8Array, rowBytes: number, size: number, out: Uint8Array): void {
  const count = rows.length / rowBytes;
  out.fill(0, (count - (count % interleavedRows)) * rowBytes);
  // apart, because engines make a slower loop of one that gets more than one kind of array
  if (size === 4) interleaveWords(wordsOf(rows), rowBytes / 4, wordsOf(out));
  else if (size === 2) interleaveElements(halvesOf(rows), rowBytes / 2, halvesOf(out));
  else interleaveElements(rows, rowBytes, out);
}

function interleaveWords(source: Uint32Array, elements: number, target: Uint32Array): void {
  for (let row = 0, from = 0; from < source.length; row++) {
    let to = firstOf(row, elements);
    for (const end = from + elements; from < end; from++, to += interleavedRows)
      target[to] = source[from] as number;
  }
}

function interleaveElements<Elements extends Uint8Array | Uint16Array>(
  source: Elements,
  elements: number,
  target: Elements,
): void {
  for (let row = 0, from = 0; from < source.length; row++) {
    let to = firstOf(row, elements);
    for (const end = from + elements; from < end; from++, to += interleavedRows)
      target[to] = source[from] as number;
  }
}

/** Where the first element of a row goes. */
function firstOf(row: number, elements: number): number {
  const place = row % interleavedRows;
  return (row - place) * elements + place;
}

/** The same bytes as elements of two or four; a copy of them where they do not lie so. */
function halvesOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}
