// Super-blocks of 256 elements whose codes are indices into grids of vectors, with signs apart (IQ2, IQ3) or in the grid
// (IQ1, whose vectors are shifted by an eighth to either side). They are unpacked to codes of four bits, each a place among
// the magnitudes and a sign.
//   IQ2_XXS  f16 d; 8 x { u8 index[4]; u32 4 x 7 signs, scale }         d * (1/2 + sc) / 4
//   IQ2_XS   f16 d; u16 qs[32] (9 bits index, 7 signs); u8 scales[8]    the same, 16 elements a scale
//   IQ2_S    f16 d; u8 index[32]; u8 signs[32]; u8 qh[8]; u8 scales[8]  the same
//   IQ3_XXS  f16 d; u8 index[64]; u32 4 x 7 signs, scale [8]            d * (1/2 + sc) / 2
//   IQ3_S    f16 d; u8 index[64]; u8 qh[8]; u8 signs[32]; u8 scales[4]  d * (1 + 2 sc)
//   IQ1_S    f16 d; u8 index[32]; u16 qh[8]                             d * (1 + 2 sc)
//   IQ1_M    u8 index[32]; u8 qh[16]; u16 scales[4] with d in them      the same, 16 elements a scale
// ggml-common.h, and dequantize_row_iq2_xxs to _iq1_m in ggml-quants.c.
import { type GridName, gridOf } from './grids.js';
import { copyBytes, packHalves, type Unpack } from './unpack.js';

const withSigns = (magnitudes: readonly number[]): Float32Array =>
  Float32Array.of(...magnitudes, ...magnitudes.map((magnitude) => -magnitude));

/** Numbers of the codes; places that no code takes repeat the last magnitude. */
export const iq2Values = withSigns([8, 25, 43, 43, 43, 43, 43, 43]);
export const iq3xxsValues = withSigns([4, 12, 20, 28, 36, 44, 52, 62]);
export const iq3sValues = withSigns([1, 3, 5, 7, 9, 11, 13, 15]);
/** -1, 0, 1 and an eighth more, or less from the ninth on. */
export const iq1Values = Float32Array.of(
  ...[-0.875, 0.125, 1.125, 1.125, 1.125, 1.125, 1.125, 1.125],
  ...[-1.125, -0.125, 0.875, 0.875, 0.875, 0.875, 0.875, 0.875],
);

/** The codes of one block, before they are packed. */
const codes256 = new Uint8Array(256);

/** Eight codes from a word of places, two bits each; bit j of `signs` is the sign of element j. */
function put8(to: number, word: number, signs: number): void {
  for (let j = 0; j < 8; j++) codes256[to + j] = ((word >>> (2 * j)) & 3) | (((signs >>> j) & 1) << 3);
}

/** Four codes from a word of places, three bits each; signs from bit `bit` on. */
function put4(to: number, word: number, signs: number, bit: number): void {
  for (let j = 0; j < 4; j++)
    codes256[to + j] = ((word >>> (3 * j)) & 7) | (((signs >>> (bit + j)) & 1) << 3);
}

/** Eight signs of which seven are stored: the number of minus signs is even (`ksigns_iq2xs`). */
function evenSigns(seven: number): number {
  let parity = seven;
  parity ^= parity >>> 4;
  parity ^= parity >>> 2;
  parity ^= parity >>> 1;
  return seven | ((parity & 1) << 7);
}

const u16 = (data: Uint8Array, at: number): number => (data[at] as number) | ((data[at + 1] as number) << 8);
const u32 = (data: Uint8Array, at: number): number => (u16(data, at) | (u16(data, at + 2) << 16)) >>> 0;

/** Scales of 16 elements: nibbles, the first of two low. */
function unpackNibbles(data: Uint8Array, at: number, scales: Uint8Array, index: number): void {
  for (let j = 0; j < 16; j++) {
    scales[index * 16 + j] = ((data[at + (j >>> 1)] as number) >>> (4 * (j & 1))) & 15;
  }
}

/** @param group puts the codes of 32 elements, by their number, into `codes256` */
function finish(
  planes: Parameters<Unpack>[2],
  index: number,
  group: (number: number, grid: Uint16Array) => void,
  grid: GridName,
): void {
  const words = gridOf(grid);
  for (let number = 0; number < 8; number++) group(number, words);
  packHalves(codes256, planes.codes, index * 128);
}

export const iq2xxs: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  const group = (number: number, grid: Uint16Array) => {
    const from = at + 2 + 8 * number;
    const bits = u32(data, from + 4);
    planes.scales[index * 8 + number] = bits >>> 28;
    for (let l = 0; l < 4; l++) {
      const word = grid[data[from + l] as number] as number;
      put8(32 * number + 8 * l, word, evenSigns((bits >>> (7 * l)) & 127));
    }
  };
  finish(planes, index, group, 'iq2xxs');
};

export const iq2xs: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  unpackNibbles(data, at + 66, planes.scales, index);
  const group = (number: number, grid: Uint16Array) => {
    for (let l = 0; l < 4; l++) {
      const bits = u16(data, at + 2 + 8 * number + 2 * l);
      put8(32 * number + 8 * l, grid[bits & 511] as number, evenSigns(bits >>> 9));
    }
  };
  finish(planes, index, group, 'iq2xs');
};

export const iq2s: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  unpackNibbles(data, at + 74, planes.scales, index);
  const group = (number: number, grid: Uint16Array) => {
    const high = data[at + 66 + number] as number;
    for (let l = 0; l < 4; l++) {
      const low = data[at + 2 + 4 * number + l] as number;
      const word = grid[low | (((high >>> (2 * l)) & 3) << 8)] as number;
      put8(32 * number + 8 * l, word, data[at + 34 + 4 * number + l] as number);
    }
  };
  finish(planes, index, group, 'iq2s');
};

export const iq3xxs: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  const group = (number: number, grid: Uint16Array) => {
    const bits = u32(data, at + 66 + 4 * number);
    planes.scales[index * 8 + number] = bits >>> 28;
    for (let k = 0; k < 8; k++) {
      const word = grid[data[at + 2 + 8 * number + k] as number] as number;
      put4(32 * number + 4 * k, word, evenSigns((bits >>> (7 * (k >>> 1))) & 127), 4 * (k & 1));
    }
  };
  finish(planes, index, group, 'iq3xxs');
};

export const iq3s: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  const group = (number: number, grid: Uint16Array) => {
    planes.scales[index * 8 + number] =
      ((data[at + 106 + (number >>> 1)] as number) >>> (4 * (number & 1))) & 15;
    const high = data[at + 66 + number] as number;
    for (let k = 0; k < 8; k++) {
      const low = data[at + 2 + 8 * number + k] as number;
      const word = grid[low | (((high >>> k) & 1) << 8)] as number;
      put4(32 * number + 4 * k, word, data[at + 74 + 4 * number + (k >>> 1)] as number, 4 * (k & 1));
    }
  };
  finish(planes, index, group, 'iq3s');
};

export const iq1s: Unpack = (data, at, planes, index) => {
  copyBytes(data, at, 2, planes.scalesNested, index);
  const group = (number: number, grid: Uint16Array) => {
    const bits = u16(data, at + 34 + 2 * number);
    planes.scales[index * 8 + number] = (bits >>> 12) & 7;
    for (let l = 0; l < 4; l++) {
      const low = data[at + 2 + 4 * number + l] as number;
      const word = grid[low | (((bits >>> (3 * l)) & 7) << 8)] as number;
      put8(32 * number + 8 * l, word, (bits & 0x8000) === 0 ? 0 : 255);
    }
  };
  finish(planes, index, group, 'iq1');
};

/** The upper nibbles of the four words of scales are the F16, the lowest first. */
export const iq1m: Unpack = (data, at, planes, index) => {
  const scaleWord = (j: number) => u16(data, at + 48 + 2 * j);
  planes.scalesNested[index * 2] = (scaleWord(0) >>> 12) | ((scaleWord(1) >>> 12) << 4);
  planes.scalesNested[index * 2 + 1] = (scaleWord(2) >>> 12) | ((scaleWord(3) >>> 12) << 4);
  for (let j = 0; j < 16; j++) planes.scales[index * 16 + j] = (scaleWord(j >>> 2) >>> (3 * (j & 3))) & 7;
  const group = (number: number, grid: Uint16Array) => {
    for (let l = 0; l < 4; l++) {
      const low = data[at + 4 * number + l] as number;
      const bits = (data[at + 32 + 2 * number + (l >>> 1)] as number) >>> (4 * (l & 1));
      const word = grid[low | ((bits & 7) << 8)] as number;
      put8(32 * number + 8 * l, word, (bits & 8) === 0 ? 0 : 255);
    }
  };
  finish(planes, index, group, 'iq1');
};
