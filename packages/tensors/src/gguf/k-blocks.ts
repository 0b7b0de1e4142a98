// Super-blocks of 256 elements whose codes and scales are bit fields.
//   Q2_K    u8 scales[16]; u8 qs[64]; f16 d; f16 dmin              16 sub-blocks of 16: d * sc * q - dmin * m
//   Q3_K    u8 hmask[32]; u8 qs[64]; u8 scales[12]; f16 d          16 sub-blocks of 16: d * (sc - 32) * (q - 4)
//   Q4_K    f16 d; f16 dmin; u8 scales[12]; u8 qs[128]             8 sub-blocks of 32: d * sc * q - dmin * m
//   Q5_K    f16 d; f16 dmin; u8 scales[12]; u8 qh[32]; u8 qs[128]  the same with a fifth bit
//   Q6_K    u8 ql[128]; u8 qh[64]; i8 scales[16]; f16 d            16 sub-blocks of 16: d * sc * (q - 32)
//   IQ4_XS  f16 d; u16 scales_h; u8 scales_l[4]; u8 qs[128]        8 sub-blocks of 32: d * (sc - 32) * values[q]
// ggml-common.h, and dequantize_row_q2_K, _q3_K, _q4_K, _q5_K, _q6_K, _iq4_xs in ggml-quants.c.
import { copyBytes, packHalves, type Unpack } from './unpack.js';

/** The codes of one block, before they are packed. */
const codes256 = new Uint8Array(256);

/** Scale and minimum of a sub-block are the nibbles of one byte; both planes hold the byte, their codebooks part it. */
export const q2k: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 16, planes.scales, index);
  copyBytes(data, at, 16, planes.offsets, index);
  copyBytes(data, at + 80, 2, planes.scalesNested, index);
  copyBytes(data, at + 82, 2, planes.offsetsNested, index);
  for (let i = 0; i < 256; i++) codes256[i] = twoBits(data, at + 16, i);
  packHalves(codes256, planes.codes, index * 128);
};

/** The third bit of a code is in hmask: bit k of byte l belongs to element 32 k + l. */
export const q3k: Unpack = (data, at, planes, index) => {
  copyBytes(data, at + 108, 2, planes.scalesNested, index);
  // sixteen scales of six bits: low nibbles in 8 bytes, the upper two bits in 4
  for (let j = 0; j < 16; j++) {
    const low = (data[at + 96 + (j & 7)] as number) >>> (j < 8 ? 0 : 4);
    const high = (data[at + 104 + (j & 3)] as number) >>> (2 * (j >>> 2));
    planes.scales[index * 16 + j] = (low & 15) | ((high & 3) << 4);
  }
  for (let i = 0; i < 256; i++) {
    const high = ((data[at + (i & 31)] as number) >>> (i >>> 5)) & 1;
    codes256[i] = twoBits(data, at + 32, i) | (high << 2);
  }
  packHalves(codes256, planes.codes, index * 128);
};

/** Code i of 256 in 64 bytes: each half of the codes has 32 bytes, which hold four elements, 32 apart. */
export function twoBits(data: Uint8Array, at: number, i: number): number {
  return ((data[at + (i >>> 7) * 32 + (i & 31)] as number) >>> (((i >>> 5) & 3) * 2)) & 3;
}

/**
 * Scales and minimums of 8 sub-blocks, 6 bits each in 12 bytes (`get_scale_min_k4`): those of the first four have bytes of
 * their own, whose upper two bits, and nibbles of the last four bytes, hold the others.
 */
function unpackHead(data: Uint8Array, at: number, planes: Parameters<Unpack>[2], index: number): void {
  copyBytes(data, at, 2, planes.scalesNested, index);
  copyBytes(data, at + 2, 2, planes.offsetsNested, index);
  const { scales, offsets } = planes;
  for (let j = 0; j < 4; j++) {
    const scale = data[at + 4 + j] as number;
    const minimum = data[at + 8 + j] as number;
    const low = data[at + 12 + j] as number;
    scales[index * 8 + j] = scale & 63;
    offsets[index * 8 + j] = minimum & 63;
    scales[index * 8 + j + 4] = (low & 15) | ((scale >>> 6) << 4);
    offsets[index * 8 + j + 4] = (low >>> 4) | ((minimum >>> 6) << 4);
  }
}

/**
 * 64 elements are in 32 bytes, the first 32 low; a plane of halves has 32 elements in 16 bytes, so byte j of one holds
 * byte j's and byte (j + 16)'s nibbles of the other.
 */
export const q4k: Unpack = (data, at, planes, index) => {
  unpackHead(data, at, planes, index);
  const { codes } = planes;
  for (let chunk = 0; chunk < 4; chunk++) {
    const to = index * 128 + chunk * 32;
    for (let j = 0; j < 16; j++) {
      const first = data[at + 16 + chunk * 32 + j] as number;
      const second = data[at + 32 + chunk * 32 + j] as number;
      codes[to + j] = (first & 15) | ((second & 15) << 4);
      codes[to + 16 + j] = (first >>> 4) | (second & 0xf0);
    }
  }
};

export const q5k: Unpack = (data, at, planes, index) => {
  unpackHead(data, at, planes, index);
  const { codes } = planes;
  for (let chunk = 0; chunk < 4; chunk++) {
    const to = index * 256 + chunk * 64;
    for (let j = 0; j < 32; j++) {
      const high = (data[at + 16 + j] as number) >>> (2 * chunk);
      const low = data[at + 48 + chunk * 32 + j] as number;
      codes[to + j] = (low & 15) | ((high & 1) << 4);
      codes[to + 32 + j] = (low >>> 4) | ((high & 2) << 3);
    }
  }
};

export const q6k: Unpack = (data, at, planes, index) => {
  const { codes } = planes;
  for (let half = 0; half < 2; half++) {
    const to = index * 256 + half * 128;
    for (let j = 0; j < 32; j++) {
      const first = data[at + half * 64 + j] as number;
      const second = data[at + half * 64 + 32 + j] as number;
      const high = data[at + 128 + half * 32 + j] as number;
      codes[to + j] = (first & 15) | ((high & 3) << 4);
      codes[to + j + 32] = (second & 15) | (((high >>> 2) & 3) << 4);
      codes[to + j + 64] = (first >>> 4) | (((high >>> 4) & 3) << 4);
      codes[to + j + 96] = (second >>> 4) | ((high >>> 6) << 4);
    }
  }
  copyBytes(data, at + 192, 16, planes.scales, index);
  copyBytes(data, at + 208, 2, planes.scalesNested, index);
};

/** Codes lie as in the plane; scales have four bits in scales_l, the first of two low, and two in scales_h. */
export const iq4xs: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  for (let j = 0; j < 8; j++) {
    const low = (data[at + 4 + (j >>> 1)] as number) >>> (4 * (j & 1));
    const high = (data[at + 2 + (j >>> 2)] as number) >>> (2 * (j & 3));
    planes.scales[index * 8 + j] = (low & 15) | ((high & 3) << 4);
  }
  copyBytes(data, at + 8, 128, planes.codes, index);
};
