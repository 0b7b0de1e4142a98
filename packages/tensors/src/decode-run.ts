// The inner loops of decoding: consecutive codes that share scale and zero, straight from their bytes to float32.
//   out[i] = (table[code] - zero) * scale      rounded once: the difference of integers is exact, and a codebook has zero 0
import type { Layout } from './layout.js';

/**
 * Decodes `count` elements from `first` on.
 * @param codes the whole plane; `first` counts elements from its beginning
 * @param table code -> number
 * @param out written from `at` on
 */
export type DecodeRun = (
  codes: Uint8Array,
  first: number,
  count: number,
  table: Float32Array,
  zero: number,
  scale: number,
  out: Float32Array,
  at: number,
) => void;

/** The loop for a layout's bits and order. */
export function decodeRunOf({ bitsPerCode, order }: Layout): DecodeRun {
  if (bitsPerCode === 8) return bytes;
  return { highFirst: pairs(4), lowFirst: pairs(0), splitHalves: halves }[order];
}

const bytes: DecodeRun = (codes, first, count, table, zero, scale, out, at) => {
  for (let i = 0; i < count; i++) {
    out[at + i] = ((table[codes[first + i] as number] as number) - zero) * scale;
  }
};

function pairs(firstShift: 0 | 4): DecodeRun {
  const secondShift = 4 - firstShift;
  return (codes, first, count, table, zero, scale, out, at) => {
    const end = at + count;
    // positions of bytes pass 2^31 in large fused tensors: no bit operations on them
    let byte = Math.floor(first / 2);
    if (first % 2 === 1 && at < end) {
      out[at++] = ((table[((codes[byte++] as number) >>> secondShift) & 15] as number) - zero) * scale;
    }
    for (; at + 2 <= end; at += 2) {
      const pair = codes[byte++] as number;
      out[at] = ((table[(pair >>> firstShift) & 15] as number) - zero) * scale;
      out[at + 1] = ((table[(pair >>> secondShift) & 15] as number) - zero) * scale;
    }
    if (at < end) {
      out[at] = ((table[((codes[byte] as number) >>> firstShift) & 15] as number) - zero) * scale;
    }
  };
}

/** Sixteen elements at a time share their nibble: low for the first half of a group of 32, high for the second. */
const halves: DecodeRun = (codes, first, count, table, zero, scale, out, at) => {
  for (let done = 0; done < count; ) {
    const element = first + done;
    const half = Math.floor(element / 16);
    const shift = half % 2 === 0 ? 0 : 4;
    const byte = Math.floor(half / 2) * 16 - half * 16 + element;
    const length = Math.min(count - done, (half + 1) * 16 - element);
    for (let i = 0; i < length; i++) {
      const code = ((codes[byte + i] as number) >>> shift) & 15;
      out[at + done + i] = ((table[code] as number) - zero) * scale;
    }
    done += length;
  }
};
