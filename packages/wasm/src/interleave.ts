// 4-bit codes as their kernels read them: eight rows together, so that one vector holds codes of four and every row adds up
// in a lane of its own. 32 bytes are four bytes of each of eight rows, the next 32 the next four of each. Not a byte more is
// kept, but for rows that are missing to the last eight.
//
// Shapes: N rows, K columns.

/** Rows that lie together: assembly/nibbles.ts. */
const together = 8;

/** Bytes of so many rows, filled up to whole eights. */
export function interleavedBytes(rows: number, rowBytes: number): number {
  return together * Math.ceil(rows / together) * rowBytes;
}

/**
 * @param codes Uint8 [N, K / 2]
 * @param rowBytes K / 2, a multiple of 4
 * @param out Uint8 [interleavedBytes], on a multiple of four bytes; missing rows become zeros
 */
export function interleaveRows(codes: Uint8Array, rowBytes: number, out: Uint8Array): void {
  const words = wordsOf(codes);
  const rowWords = rowBytes / 4;
  const target = new Uint32Array(out.buffer, out.byteOffset, out.byteLength / 4);
  const rows = words.length / rowWords;
  for (let first = 0; first < rows; first += together) {
    for (let row = first; row < first + together; row++) {
      let from = row * rowWords;
      let to = first * rowWords + (row - first);
      // past the last row there is nothing to read
      for (const end = from + rowWords; from < end; from++, to += together) target[to] = words[from] ?? 0;
    }
  }
}

/** The same bytes as 32-bit words. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}
