// Blocks of 32 elements with codes of five bits, which take a byte each in memory.
//   Q5_0  f16 d; u8 qh[4]; u8 qs[16]          d * (q - 16)
//   Q5_1  f16 d; f16 m; u8 qh[4]; u8 qs[16]   d * q + m
// Byte j of qs holds element j low and element j + 16 high; bit j of qh is the fifth bit of element j.
// ggml-common.h, and dequantize_row_q5_0, _q5_1 in ggml-quants.c.
import { copyBytes, type Unpack } from './unpack.js';

/** @param at bytes to qh, which qs follows. @param zero what is subtracted from each code */
function unpackCodes(data: Uint8Array, at: number, zero: number, codes: Uint8Array, to: number): void {
  for (let j = 0; j < 16; j++) {
    const low = data[at + 4 + j] as number;
    const first = ((data[at + (j >>> 3)] as number) >>> (j & 7)) & 1;
    const second = ((data[at + 2 + (j >>> 3)] as number) >>> (j & 7)) & 1;
    codes[to + j] = ((low & 15) | (first << 4)) - zero;
    codes[to + 16 + j] = ((low >>> 4) | (second << 4)) - zero;
  }
}

/** Codes -16 to 15, two's complement. */
export const q50: Unpack = (data, at, { codes, scales }, index) => {
  copyBytes(data, at, 2, scales, index);
  unpackCodes(data, at + 2, 16, codes, index * 32);
};

/** Codes 0 to 31. */
export const q51: Unpack = (data, at, { codes, scales, offsets }, index) => {
  copyBytes(data, at, 2, scales, index);
  copyBytes(data, at + 2, 2, offsets, index);
  unpackCodes(data, at + 4, 0, codes, index * 32);
};
