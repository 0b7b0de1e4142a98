// Sizes by which the host sets memory aside that kernels fill. Kernels have the same as functions of assembly/;
// build/check-abi.ts compares both.
import type { ActivationForm } from './enumerations.js';

/** Bytes at the beginning of a memory that belong to the kernels: their static data ends below. */
export const kernelBytes = 65536;

/** Rows of 4-bit codes that are interleaved: assembly/nibbles.ts. */
export const interleavedRows = 8;

/** Bytes of one token's activations. */
export function tokenBytes(form: ActivationForm, columns: number, unit: number): number {
  if (form === 'float') return 4 * columns;
  if (form === 'plain') return 2 * columns;
  if (form === 'pairs') return 2 * columns + 12 * (columns / unit);
  return 4 * columns + 16 * (columns / 32 + columns / unit);
}

/** Bytes of the scales of one token for 8-bit codes. */
export function scalesStride(columns: number, unit: number): number {
  return Math.ceil(columns / unit / 4) * 16;
}

/** Bytes in which kernels work, for matrices of up to so many columns. */
export function scratchBytes(columns: number): number {
  const stride = Math.ceil((4 * (Math.floor(columns / 32) + 4)) / 16) * 16;
  return 16 + 28 * stride + 16 * columns + 64;
}

/** Bytes in which attention works over so many padded positions. */
export function attentionScratchBytes(headDim: number, paddedValueDim: number, positions: number): number {
  return 16 * (headDim + paddedValueDim + 2 * positions + 1);
}

/** Bytes in which attention over rows works: assembly/latent.ts. */
export function rowsScratchBytes(valueDim: number, positions: number): number {
  return 16 * paddedToEight(valueDim) + 128 * Math.ceil(positions / 4) + 16;
}

/** Positions of a page, or values of a row in one, filled up to whole vectors. */
export function paddedToEight(size: number): number {
  return Math.ceil(size / 8) * 8;
}
