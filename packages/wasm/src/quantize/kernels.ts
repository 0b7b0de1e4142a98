// The compiled kernels that quantize: a module of its own, and what assembly/quantize documents of its exports.
import { plainQuantizeKernels, relaxedQuantizeKernels } from '../generated/quantize-kernels.js';
import type { SimdLevel } from '../kernel-module.js';

type Address = number;

export interface QuantizeKernels {
  prepareCodebook4(from: Address): void;
  prepareCodebook8(from: Address): void;
  prepareNested(from: Address): void;
  encodeCodebook4: EncodeFlat;
  encodeCodebook8: EncodeFlat;
  encodeAffine4(
    x: Address,
    dtype: number,
    rows: number,
    columns: number,
    blockSize: number,
    symmetric: boolean,
    search: boolean,
    row: Address,
    unpacked: Address,
    codes: Address,
    zeroPoints: Address,
    records: Address,
  ): number;
  encodeSigned8(
    x: Address,
    dtype: number,
    rows: number,
    columns: number,
    blockSize: number,
    row: Address,
    codes: Address,
    records: Address,
  ): number;
  encodeRows8(
    x: Address,
    dtype: number,
    rows: number,
    columns: number,
    multiplier: number,
    row: Address,
    seen: Address,
    codes: Address,
    records: Address,
  ): number;
  finish(records: Address, blocks: number, floor: number, multiplier: number, scales: Address): void;
  nest(
    records: Address,
    blocks: number,
    blockSize: number,
    floor: number,
    codes: Address,
    nested: Address,
  ): number;
  weightNorm(): number;
  differenceNorm(): number;
}

type EncodeFlat = (
  x: Address,
  dtype: number,
  count: number,
  blockSize: number,
  codes: Address,
  records: Address,
) => number;

/** The static data of the kernels and their scratch page end below it: assembly/quantize/scratch.ts. */
export const HEAP_START = 2 * 65536;

export function compileQuantizeKernels(simd: SimdLevel): Promise<WebAssembly.Module> {
  const base64 = simd === 'relaxed' ? relaxedQuantizeKernels : plainQuantizeKernels;
  return WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
