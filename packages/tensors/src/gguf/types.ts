// The types of GGUF tensors as data: name, id, how many elements a block has and in how many bytes, and for quantized
// blocks the layout that decodes them and the planes that their bytes go to.
// https://github.com/ggml-org/ggml, ggml.h (enum ggml_type), ggml-common.h and ggml-quants.c.
import { type DType, elementCount } from '../dtype.js';
import { MoeqError, quote } from '../errors.js';
import type { Layout } from '../layout.js';
import {
  type BlockLayout,
  codebook,
  e2m1Values,
  e8m0Values,
  f16Values,
  iq4nlValues,
  minus,
  nestedValues,
  plus,
  rowLayout,
  scaleAndCodes,
  signed,
} from './block-layouts.js';
import { q50, q51 } from './five-bit-blocks.js';
import {
  iq1m,
  iq1s,
  iq1Values,
  iq2s,
  iq2Values,
  iq2xs,
  iq2xxs,
  iq3s,
  iq3sValues,
  iq3xxs,
  iq3xxsValues,
} from './grid-blocks.js';
import { iq4xs, q2k, q3k, q4k, q5k, q6k } from './k-blocks.js';
import { tq10, tq20 } from './ternary-blocks.js';
import type { Unpack } from './unpack.js';

/** What a quantized type is in memory. */
export interface GgufQuantization extends BlockLayout {
  /** Name of the format: `q4_0`, … */
  readonly format: string;
}

export interface GgufType {
  /** As ggml spells it, e.g. `Q4_K`. */
  readonly name: string;
  /** `enum ggml_type` */
  readonly id: number;
  /** Elements of a block; rows are whole numbers of blocks. */
  readonly blockLength: number;
  readonly blockBytes: number;
  /** The element of a plain tensor, or what its blocks are. */
  readonly content: DType | GgufQuantization;
}

const plain = (name: string, id: number, content: DType, blockBytes: number): GgufType => ({
  name,
  id,
  blockLength: 1,
  blockBytes,
  content,
});

const quantized = (
  name: string,
  id: number,
  [blockLength, blockBytes]: readonly [number, number],
  parts: BlockLayout,
): GgufType => ({ name, id, blockLength, blockBytes, content: { format: name.toLowerCase(), ...parts } });

/** Six bits that stand for -32 to 31. */
const sixBits = (code: number): number => code - 32;
const int8 = (byte: number): number => (byte << 24) >> 24;

const halfMore = (parts: number) => (code: number) => (code + 0.5) / parts;
const odd = (code: number): number => 2 * code + 1;

/** Codes that are indices into a grid of vectors, in super-blocks. */
const grid = (name: string, id: number, blockBytes: number, layout: Layout, block: Unpack): GgufType =>
  quantized(name, id, [256, blockBytes], { layout, block });

/** d * sc * q - dmin * m in sub-blocks of 32 */
const scaleAndMinimum = (bitsPerCode: 4 | 8) =>
  rowLayout(
    bitsPerCode,
    32,
    plus(nestedValues(32, (code) => -code)),
    nestedValues(32, (code) => code),
  );

export const ggufTypes: readonly GgufType[] = Object.freeze([
  plain('F32', 0, 'F32', 4),
  plain('F16', 1, 'F16', 2),
  plain('BF16', 30, 'BF16', 2),
  plain('F64', 28, 'F64', 8),
  plain('I8', 24, 'I8', 1),
  plain('I16', 25, 'I16', 2),
  plain('I32', 26, 'I32', 4),
  plain('I64', 27, 'I64', 8),
  quantized('Q8_0', 8, [32, 34], scaleAndCodes(8, signed)),
  quantized('Q4_0', 2, [32, 18], scaleAndCodes(4, minus(8))),
  quantized('Q4_1', 3, [32, 20], {
    layout: rowLayout(4, 32, plus(f16Values), f16Values),
    block: [
      ['scales', 2],
      ['offsets', 2],
      ['codes', 16],
    ],
  }),
  quantized('Q5_0', 6, [32, 22], { layout: rowLayout(8, 32, signed, f16Values), block: q50 }),
  quantized('Q5_1', 7, [32, 24], { layout: rowLayout(8, 32, plus(f16Values), f16Values), block: q51 }),
  quantized('IQ4_NL', 20, [32, 18], scaleAndCodes(4, codebook(iq4nlValues))),
  quantized('MXFP4', 39, [32, 17], scaleAndCodes(4, codebook(e2m1Values), e8m0Values)),
  quantized('Q2_K', 10, [256, 84], {
    layout: rowLayout(
      4,
      16,
      plus(nestedValues(16, (byte) => -(byte >>> 4))),
      nestedValues(16, (byte) => byte & 15),
    ),
    block: q2k,
  }),
  quantized('Q3_K', 11, [256, 110], {
    layout: rowLayout(4, 16, minus(4), nestedValues(16, sixBits)),
    block: q3k,
  }),
  quantized('Q4_K', 12, [256, 144], { layout: scaleAndMinimum(4), block: q4k }),
  quantized('Q5_K', 13, [256, 176], { layout: scaleAndMinimum(8), block: q5k }),
  quantized('Q6_K', 14, [256, 210], {
    layout: rowLayout(8, 16, minus(32), nestedValues(16, int8)),
    block: q6k,
  }),
  quantized('IQ4_XS', 23, [256, 136], {
    layout: rowLayout(4, 32, codebook(iq4nlValues), nestedValues(32, sixBits)),
    block: iq4xs,
  }),
  grid('IQ2_XXS', 16, 66, rowLayout(4, 32, codebook(iq2Values), nestedValues(32, halfMore(4))), iq2xxs),
  grid('IQ2_XS', 17, 74, rowLayout(4, 16, codebook(iq2Values), nestedValues(16, halfMore(4))), iq2xs),
  grid('IQ2_S', 22, 82, rowLayout(4, 16, codebook(iq2Values), nestedValues(16, halfMore(4))), iq2s),
  grid('IQ3_XXS', 18, 98, rowLayout(4, 32, codebook(iq3xxsValues), nestedValues(32, halfMore(2))), iq3xxs),
  grid('IQ3_S', 21, 110, rowLayout(4, 32, codebook(iq3sValues), nestedValues(32, odd)), iq3s),
  grid('IQ1_S', 19, 50, rowLayout(4, 32, codebook(iq1Values), nestedValues(32, odd)), iq1s),
  grid('IQ1_M', 29, 56, rowLayout(4, 16, codebook(iq1Values), nestedValues(16, odd)), iq1m),
  quantized('TQ1_0', 34, [256, 54], { layout: rowLayout(4, 256, minus(1), f16Values), block: tq10 }),
  quantized('TQ2_0', 35, [256, 66], { layout: rowLayout(4, 256, minus(1), f16Values), block: tq20 }),
]);

/** Types of ggml that have a number and are not read here, for messages. */
const unread: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  15: 'Q8_K',
  40: 'NVFP4',
  41: 'Q1_0',
};

const byId = new Map(ggufTypes.map((type) => [type.id, type]));
const byName = new Map(ggufTypes.map((type) => [type.name, type]));

/** The type of that number; null for one that is not read here. */
export function ggufTypeOfId(id: number): GgufType | null {
  return byId.get(id) ?? null;
}

/** For messages: `NVFP4`, or the number of a type that ggml does not have. */
export function nameOfId(id: number): string {
  return byId.get(id)?.name ?? unread[id] ?? `type ${id}`;
}

/** The type of that name, in ggml's spelling. @throws MoeqError that lists the known ones */
export function ggufType(name: string): GgufType {
  const type = byName.get(name);
  if (type !== undefined) return type;
  throw new MoeqError({
    operation: 'find the GGUF type',
    subject: quote(name),
    expected: `one of ${[...byName.keys()].join(', ')}`,
    found: 'none of them',
  });
}

/** Bytes of a tensor; the last dimension has to be a whole number of blocks. */
export function ggufByteLength({ blockLength, blockBytes }: GgufType, shape: readonly number[]): number {
  return elementCount(shape) * (blockBytes / blockLength);
}
