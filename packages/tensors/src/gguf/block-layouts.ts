// What blocks of GGUF are in memory: a layout, and where the bytes of a block go. Every layout is exact: `decodeTensor`
// gives bit for bit what ggml's dequantize_row_* gives, because a code times a scale, and a scale times the F16 of its
// super-block, have at most 24 significant bits; only the addition of a minimum rounds, here as there.
//
// Codes of 1 to 4 bits take 4 bits in memory, codes of 5 and 6 bits 8, for which there is no packing: Q5_K takes 8.6
// bits a weight instead of 5.5, which is exact where 16-bit floats would be neither exact nor smaller.
import { bytesPerElement } from '../dtype.js';
import type { BlockValues, Decode, Layout, PlaneName } from '../layout.js';
import type { Unpack } from './unpack.js';

/** Fields of a block in order, each the bytes of one plane. */
type Fields = readonly (readonly [plane: PlaneName, bytes: number])[];

export interface BlockLayout {
  readonly layout: Layout;
  /** Where a block's bytes go: field by field, or unpacked from bit fields. */
  readonly block: Fields | Unpack;
}

/** `kvalues_iq4nl` */
export const iq4nlValues = Float32Array.of(
  ...[-127, -104, -83, -65, -49, -35, -22, -10],
  ...[1, 13, 25, 38, 53, 69, 89, 113],
);

/** OCP E2M1; ggml's table holds the doubles and its scale is half of that of OCP. */
export const e2m1Values = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6);

type PlainValues = Extract<BlockValues, { kind: 'plain' }>;
export const f16Values: PlainValues = { kind: 'plain', dtype: 'F16', multiplier: 1 };
export const e8m0Values: PlainValues = { kind: 'plain', dtype: 'F8_E8M0', multiplier: 1 };

/** Numbers that a byte stands for, times the F16 of their super-block of 256 elements. */
export const nestedValues = (
  subBlock: 16 | 32,
  toValue: (byte: number) => number,
): Extract<BlockValues, { kind: 'nested' }> => ({
  kind: 'nested',
  codebook: Float32Array.from({ length: 256 }, (_, byte) => toValue(byte)),
  blockSize: 256 / subBlock,
  dtype: 'F16',
  hasOffset: false,
});

/** A layout whose blocks lie in rows, as all of ggml's do. */
export const rowLayout = (
  bitsPerCode: 4 | 8,
  blockSize: number,
  decode: Decode,
  scale: BlockValues,
): Layout => ({
  bitsPerCode,
  order: bitsPerCode === 4 ? 'splitHalves' : 'lowFirst',
  blockSize,
  blocks: 'row',
  decode,
  scale,
});

export const signed: Decode = { kind: 'affine', zero: { kind: 'signed' } };
export const minus = (value: number): Decode => ({ kind: 'affine', zero: { kind: 'constant', value } });
export const plus = (offset: BlockValues): Decode => ({ kind: 'affine', zero: { kind: 'offset', offset } });
export const codebook = (values: Float32Array): Decode => ({ kind: 'codebook', values });

/** 32 elements: a scale, then codes as their plane has them. */
export const scaleAndCodes = (bitsPerCode: 4 | 8, decode: Decode, scale = f16Values): BlockLayout => ({
  layout: rowLayout(bitsPerCode, 32, decode, scale),
  block: [
    ['scales', bytesPerElement(scale.dtype)],
    ['codes', bitsPerCode * 4],
  ],
});
