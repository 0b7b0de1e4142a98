// Super-blocks of 256 elements whose codes and scales are bit fields: unpacked into planes, one block at a time.
//   Q4_K  f16 d; f16 dmin; u8 scales[12]; u8 qs[128]              8 sub-blocks of 32: d * sc * q - dmin * m
//   Q5_K  f16 d; f16 dmin; u8 scales[12]; u8 qh[32]; u8 qs[128]   the same with a fifth bit
//   Q6_K  u8 ql[128]; u8 qh[64]; i8 scales[16]; f16 d             16 sub-blocks of 16: d * sc * (q - 32)
// ggml-common.h, and dequantize_row_q4_K, _q5_K, _q6_K in ggml-quants.c.
import type { PlaneName } from '../layout.js';

/** Unpacks one block to its place in the planes; each plane is given from that place on. */
export type KBlock = (block: Uint8Array, planes: Readonly<Partial<Record<PlaneName, Uint8Array>>>) => void;

const none = new Uint8Array(0);

/**
 * Scales and minimums of 8 sub-blocks, 6 bits each in 12 bytes (`get_scale_min_k4`): those of the first four have bytes of
 * their own, whose upper two bits, and nibbles of the last four bytes, hold the others.
 */
function unpackScales(packed: Uint8Array, scales: Uint8Array, minimums: Uint8Array): void {
  for (let j = 0; j < 4; j++) {
    const scale = packed[j] as number;
    const minimum = packed[j + 4] as number;
    const low = packed[j + 8] as number;
    scales[j] = scale & 63;
    minimums[j] = minimum & 63;
    scales[j + 4] = (low & 15) | ((scale >>> 6) << 4);
    minimums[j + 4] = (low >>> 4) | ((minimum >>> 6) << 4);
  }
}

function unpackHead(block: Uint8Array, planes: Parameters<KBlock>[1]): void {
  planes.scalesNested?.set(block.subarray(0, 2));
  planes.offsetsNested?.set(block.subarray(2, 4));
  unpackScales(block.subarray(4, 16), planes.scales ?? none, planes.offsets ?? none);
}

/**
 * 64 elements are in 32 bytes, the first 32 low; a plane of halves has 32 elements in 16 bytes, so byte j of one holds
 * byte j's and byte (j + 16)'s nibbles of the other.
 */
export const q4k: KBlock = (block, planes) => {
  unpackHead(block, planes);
  const codes = planes.codes ?? none;
  for (let chunk = 0; chunk < 4; chunk++) {
    for (let j = 0; j < 16; j++) {
      const first = block[16 + chunk * 32 + j] as number;
      const second = block[32 + chunk * 32 + j] as number;
      codes[chunk * 32 + j] = (first & 15) | ((second & 15) << 4);
      codes[chunk * 32 + 16 + j] = (first >>> 4) | (second & 0xf0);
    }
  }
};

export const q5k: KBlock = (block, planes) => {
  unpackHead(block, planes);
  const codes = planes.codes ?? none;
  for (let chunk = 0; chunk < 4; chunk++) {
    for (let j = 0; j < 32; j++) {
      const high = (block[16 + j] as number) >>> (2 * chunk);
      const low = block[48 + chunk * 32 + j] as number;
      codes[chunk * 64 + j] = (low & 15) | ((high & 1) << 4);
      codes[chunk * 64 + 32 + j] = (low >>> 4) | ((high & 2) << 3);
    }
  }
};

export const q6k: KBlock = (block, planes) => {
  const codes = planes.codes ?? none;
  for (let half = 0; half < 2; half++) {
    for (let j = 0; j < 32; j++) {
      const first = block[half * 64 + j] as number;
      const second = block[half * 64 + 32 + j] as number;
      const high = block[128 + half * 32 + j] as number;
      const at = half * 128 + j;
      codes[at] = (first & 15) | ((high & 3) << 4);
      codes[at + 32] = (second & 15) | (((high >>> 2) & 3) << 4);
      codes[at + 64] = (first >>> 4) | (((high >>> 4) & 3) << 4);
      codes[at + 96] = (second >>> 4) | ((high >>> 6) << 4);
    }
  }
  planes.scales?.set(block.subarray(192, 208));
  planes.scalesNested?.set(block.subarray(208, 210));
};
