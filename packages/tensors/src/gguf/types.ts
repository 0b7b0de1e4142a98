// The types of GGUF tensors as data: name, id, how many elements a block has and in how many bytes, and for quantized
// blocks the layout that decodes them and the planes that their bytes go to. Every layout is exact: `decodeTensor` gives
// bit for bit what ggml's dequantize_row_* gives. https://github.com/ggml-org/ggml, ggml-common.h and ggml-quants.c.
//
// Q5_K and Q6_K have codes of 5 and 6 bits, for which there is no packing: their codes take 8 bits in memory, 8.9 and 8.6
// bits a weight instead of 5.5 and 6.6, which is exact where 16-bit floats would be neither exact nor smaller.
import type { DType } from '../dtype.js';
import { MoeqError, quote } from '../errors.js';
import type { BlockValues, Decode, Layout, PlaneName } from '../layout.js';
import { type KBlock, q4k, q5k, q6k } from './k-blocks.js';

/** Fields of a block in order, each the bytes of one plane. */
type Fields = readonly (readonly [plane: PlaneName, bytes: number])[];

/** What a quantized type is in memory. */
export interface GgufQuantization {
  /** Name of the format: `q4_0`, … */
  readonly format: string;
  readonly layout: Layout;
  /** Where a block's bytes go: field by field, or unpacked from bit fields. */
  readonly block: Fields | KBlock;
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

const f16Scale: BlockValues = { kind: 'plain', dtype: 'F16', multiplier: 1 };

const blocksOf32 = (
  bitsPerCode: 4 | 8,
  decode: Decode,
  scale: BlockValues = f16Scale,
): Pick<GgufQuantization, 'layout' | 'block'> => ({
  layout: {
    bitsPerCode,
    order: bitsPerCode === 4 ? 'splitHalves' : 'lowFirst',
    blockSize: 32,
    blocks: 'row',
    decode,
    scale,
  },
  block: [
    ['scales', scale.kind === 'plain' && scale.dtype === 'F8_E8M0' ? 1 : 2],
    ['codes', bitsPerCode * 4],
  ],
});

/** An integer times the super-block's F16: exact in float32, as in ggml, because both are short. */
const timesNested = (toValue: (code: number) => number): BlockValues => ({
  kind: 'nested',
  codebook: Float32Array.from({ length: 256 }, (_, code) => toValue(code)),
  blockSize: 256 / 32,
  dtype: 'F16',
  hasOffset: false,
});

/** d * sc * q - dmin * m */
const scaleAndMinimum = (bitsPerCode: 4 | 8): Layout => ({
  bitsPerCode,
  order: bitsPerCode === 4 ? 'splitHalves' : 'lowFirst',
  blockSize: 32,
  blocks: 'row',
  decode: { kind: 'affine', zero: { kind: 'offset', offset: timesNested((code) => -code) } },
  scale: timesNested((code) => code),
});

/** `kvalues_iq4nl` */
export const iq4nlValues = Float32Array.of(
  -127,
  -104,
  -83,
  -65,
  -49,
  -35,
  -22,
  -10,
  1,
  13,
  25,
  38,
  53,
  69,
  89,
  113,
);

/** OCP E2M1; ggml's table holds the doubles and its scale is half of that of OCP. */
const e2m1 = Float32Array.of(0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6);

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
  parts: Pick<GgufQuantization, 'layout' | 'block'>,
): GgufType => ({ name, id, blockLength, blockBytes, content: { format: name.toLowerCase(), ...parts } });

export const ggufTypes: readonly GgufType[] = Object.freeze([
  plain('F32', 0, 'F32', 4),
  plain('F16', 1, 'F16', 2),
  plain('BF16', 30, 'BF16', 2),
  plain('F64', 28, 'F64', 8),
  plain('I8', 24, 'I8', 1),
  plain('I16', 25, 'I16', 2),
  plain('I32', 26, 'I32', 4),
  plain('I64', 27, 'I64', 8),
  quantized('Q8_0', 8, [32, 34], blocksOf32(8, { kind: 'affine', zero: { kind: 'signed' } })),
  quantized('Q4_0', 2, [32, 18], blocksOf32(4, { kind: 'affine', zero: { kind: 'constant', value: 8 } })),
  quantized('IQ4_NL', 20, [32, 18], blocksOf32(4, { kind: 'codebook', values: iq4nlValues })),
  quantized(
    'MXFP4',
    39,
    [32, 17],
    blocksOf32(4, { kind: 'codebook', values: e2m1 }, { kind: 'plain', dtype: 'F8_E8M0', multiplier: 1 }),
  ),
  quantized('Q4_K', 12, [256, 144], { layout: scaleAndMinimum(4), block: q4k }),
  quantized('Q5_K', 13, [256, 176], { layout: scaleAndMinimum(8), block: q5k }),
  quantized('Q6_K', 14, [256, 210], {
    layout: {
      bitsPerCode: 8,
      order: 'lowFirst',
      blockSize: 16,
      blocks: 'row',
      decode: { kind: 'affine', zero: { kind: 'constant', value: 32 } },
      scale: { ...timesNested((code) => (code << 24) >> 24), blockSize: 256 / 16 } as BlockValues,
    },
    block: q6k,
  }),
]);

/** Types of ggml that have a number and are not read here, for messages. */
const unread: Readonly<Record<number, string>> = {
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  40: 'NVFP4',
};

const byId = new Map(ggufTypes.map((type) => [type.id, type]));
const byName = new Map(ggufTypes.map((type) => [type.name, type]));

/** The type of that number; null for one that is not read here. */
export function ggufTypeOfId(id: number): GgufType | null {
  return byId.get(id) ?? null;
}

/** For messages: `IQ1_S`, or the number of a type that ggml does not have. */
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
  return shape.reduce((product, size) => product * size, 1) * (blockBytes / blockLength);
}
