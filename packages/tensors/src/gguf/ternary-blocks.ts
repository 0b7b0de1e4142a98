// Blocks of 256 elements that are -1, 0 or 1 times an F16.
//   TQ1_0  u8 qs[48]; u8 qh[4]; f16 d   five elements a byte, in qh four
//   TQ2_0  u8 qs[64]; f16 d             four elements a byte, two bits each
// A byte of TQ1_0 is a fraction of 256: its digits to base three, from the front, are the elements.
// ggml-common.h, and dequantize_row_tq1_0, _tq2_0 in ggml-quants.c.
import { twoBits } from './k-blocks.js';
import { copyBytes, packHalves, type Unpack } from './unpack.js';

/** The codes of one block, before they are packed. */
const codes256 = new Uint8Array(256);

/** Bytes from `from` on whose digit n is element `start + n * bytes + (byte - from)`. */
const runs = [
  { from: 0, bytes: 32, start: 0, digits: 5 },
  { from: 32, bytes: 16, start: 160, digits: 5 },
  { from: 48, bytes: 4, start: 240, digits: 4 },
] as const;

export const tq10: Unpack = (data, at, planes, index) => {
  for (const { from, bytes, start, digits } of runs) {
    for (let i = 0; i < bytes; i++) {
      let rest = data[at + from + i] as number;
      for (let digit = 0; digit < digits; digit++) {
        rest *= 3;
        codes256[start + digit * bytes + i] = rest >>> 8;
        rest &= 255;
      }
    }
  }
  packHalves(codes256, planes.codes, index * 128);
  copyBytes(data, at + 52, 2, planes.scales, index);
};

export const tq20: Unpack = (data, at, planes, index) => {
  for (let i = 0; i < 256; i++) codes256[i] = twoBits(data, at, i);
  packHalves(codes256, planes.codes, index * 128);
  copyBytes(data, at + 64, 2, planes.scales, index);
};
