// 4-bit codes as their kernels read them: eight rows together, so that one vector holds codes of four and every row adds up
// in a lane of its own. 32 bytes are four bytes of each of eight rows, the next 32 the next four of each. The scales of a
// unit lie likewise: those of eight rows, then those of the next unit. Not a byte more is kept, but for rows that are missing
// to the last eight.
//
// Shapes: N rows, K columns, E elements of a row.

/** Rows that lie together: assembly/nibbles.ts. */
const together = 8;

/** Bytes of so many rows, filled up to whole eights. */
export function interleavedBytes(rows: number, rowBytes: number): number {
  return together * Math.ceil(rows / together) * rowBytes;
}

/**
 * @param rows Uint8 [N, rowBytes]
 * @param rowBytes a multiple of `size`
 * @param size of an element in bytes: 4 for codes, 1, 2 or 4 for scales
 * @param out Uint8 [interleavedBytes], on a multiple of four bytes; missing rows become zeros
 */
export function interleaveRows(rows: Uint8Array, rowBytes: number, size: number, out: Uint8Array): void {
  const source = elementsOf(rows, size);
  const target = elementsOf(out, size);
  const rowElements = rowBytes / size;
  const count = source.length / rowElements;
  for (let first = 0; first < count; first += together) {
    for (let row = first; row < first + together; row++) {
      let from = row * rowElements;
      let to = first * rowElements + (row - first);
      // past the last row there is nothing to read
      for (const end = from + rowElements; from < end; from++, to += together) target[to] = source[from] ?? 0;
    }
  }
}

/** The same bytes as elements of `size` bytes; a copy of them where they do not lie so. */
function elementsOf(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array {
  if (size === 1) return bytes;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return size === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
}
