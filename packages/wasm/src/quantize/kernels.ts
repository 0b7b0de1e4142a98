// The compiled kernels that quantize: a module of its own, and what assembly/quantize documents of its exports.
import { plainQuantizeKernels, relaxedQuantizeKernels } from '../generated/quantize-kernels.js';
import { compileBase64, type SimdLevel } from '../kernel-module.js';

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
export const tablesStart = 2 * 65536;

/** Behind the page on which tables are handed over. */
export const heapStart = 3 * 65536;

export function compileQuantizeKernels(simd: SimdLevel, shared: boolean): Promise<WebAssembly.Module> {
  return compileBase64(simd === 'relaxed' ? relaxedQuantizeKernels : plainQuantizeKernels, shared);
}
