// Every kind of layout that a backend must read, by name. Codebooks are drawn for every run, so that no table can be built in.
import type { BlockValues, CodeOrder, Decode, Layout, Zero } from '@moeq/tensors';
import type { Random } from './random.js';

export interface NamedLayout {
  readonly name: string;
  /** The layout for matrices of so many columns. */
  make(random: Random, columns: number): Layout;
  /** Blocks, in elements; null: a row is a block. */
  readonly blockSize: number | null;
}

type Draw<Value> = (random: Random) => Value;

const plain =
  (dtype: 'F32' | 'F16' | 'BF16' | 'F8_E8M0', multiplier = 1): Draw<BlockValues> =>
  () => ({ kind: 'plain', dtype, multiplier });

const nested =
  (dtype: 'F32' | 'F16' | 'BF16', hasOffset: boolean, blockSize = 256): Draw<BlockValues> =>
  (random) => ({ kind: 'nested', codebook: random.normals(256, 0.4), blockSize, dtype, hasOffset });

/** Nested values that share a sign, as the unsigned scales and offsets of asymmetric formats do. */
const unsigned: Draw<BlockValues> = (random) => ({
  kind: 'nested',
  codebook: Float32Array.from({ length: 256 }, () => random.between(0.25, 1)),
  blockSize: 16,
  dtype: 'F32',
  hasOffset: false,
});

const codebook =
  (bits: 4 | 8): Draw<Decode> =>
  (random) => ({ kind: 'codebook', values: random.normals(2 ** bits, 0.5) });

const affine =
  (zero: Draw<Zero>): Draw<Decode> =>
  (random) => ({ kind: 'affine', zero: zero(random) });

const signed: Draw<Zero> = () => ({ kind: 'signed' });
const constant =
  (value: number): Draw<Zero> =>
  () => ({ kind: 'constant', value });
const zeroPoint: Draw<Zero> = () => ({ kind: 'zeroPoint' });
const offset =
  (values: Draw<BlockValues>): Draw<Zero> =>
  (random) => ({ kind: 'offset', offset: values(random) });

interface Choice {
  readonly bits?: 4 | 8;
  readonly order?: CodeOrder;
  readonly blockSize?: number | null;
  readonly blocks?: 'flat' | 'row';
  readonly decode?: Draw<Decode>;
  readonly scale?: Draw<BlockValues>;
}

/** What a choice leaves open is as in nf4: 4-bit codes of a codebook, high nibble first, flat blocks of 64, F32 scales. */
function layout(name: string, choice: Choice): NamedLayout {
  const { bits = 4, blockSize = 64, blocks = 'flat', scale = plain('F32') } = choice;
  const { order = bits === 8 ? 'lowFirst' : 'highFirst', decode = codebook(bits) } = choice;
  return {
    name,
    blockSize,
    make: (random, columns) => ({
      bitsPerCode: bits,
      order,
      blockSize: blockSize ?? columns,
      blocks,
      decode: decode(random),
      scale: scale(random),
    }),
  };
}

const zeros = (bits: 4 | 8): readonly [string, Draw<Zero>][] => [
  ['signed', signed],
  ['constant', constant(2 ** (bits - 1))],
  ['zeroPoint', zeroPoint],
  ['offset F32', offset(plain('F32'))],
  ['offset F16', offset(plain('F16'))],
  ['offset BF16', offset(plain('BF16'))],
  ['offset nested', offset(nested('F32', true))],
];

/** Nested as ggml's types with super-blocks of 256 elements are. */
const nestedIn = (blockSize: 16 | 32): Draw<BlockValues> => nested('F16', false, 256 / blockSize);

const int4Row: Choice = { bits: 4, order: 'lowFirst', blockSize: 32, blocks: 'row' };
const int8Row: Choice = { bits: 8, blockSize: 32, blocks: 'row' };

/** The kinds of codes: codebooks in all orders, integers with every zero. */
export const codeLayouts: readonly NamedLayout[] = [
  layout('codebook 4 bits highFirst', {}),
  layout('codebook 4 bits lowFirst', { order: 'lowFirst' }),
  layout('codebook 4 bits splitHalves', { order: 'splitHalves' }),
  layout('codebook 4 bits row blocks', { blocks: 'row' }),
  layout('codebook 8 bits', { bits: 8 }),
  layout('codebook 8 bits row blocks', { bits: 8, blocks: 'row' }),
  ...zeros(4).map(([name, zero]) => layout(`affine 4 bits ${name}`, { ...int4Row, decode: affine(zero) })),
  ...zeros(8).map(([name, zero]) => layout(`affine 8 bits ${name}`, { ...int8Row, decode: affine(zero) })),
  layout('affine 4 bits constant 7 highFirst flat', { decode: affine(constant(7)) }),
  layout('affine 4 bits signed splitHalves F16', {
    ...int4Row,
    order: 'splitHalves',
    decode: affine(signed),
    scale: plain('F16'),
  }),
  layout('affine 4 bits offset splitHalves F16', {
    ...int4Row,
    order: 'splitHalves',
    decode: affine(offset(plain('F16'))),
    scale: plain('F16'),
  }),
];

/** The kinds of scales. */
export const scaleLayouts: readonly NamedLayout[] = [
  layout('scale F16', { scale: plain('F16') }),
  layout('scale BF16', { scale: plain('BF16') }),
  layout('scale F8_E8M0', { blockSize: 32, scale: plain('F8_E8M0') }),
  layout('scale with a multiplier, a row a block', {
    ...int8Row,
    blockSize: null,
    decode: affine(signed),
    scale: plain('F32', 1 / 127),
  }),
  layout('scale nested with offset', { scale: nested('F32', true) }),
  layout('scale nested without offset', { scale: nested('F32', false) }),
  layout('scale nested F16', { scale: nested('F16', true) }),
  layout('scale nested BF16', { scale: nested('BF16', true) }),
  layout('scale nested in blocks of 16', { scale: nested('F32', true, 16) }),
  layout('scale nested, affine row blocks', {
    ...int4Row,
    decode: affine(constant(8)),
    scale: nested('F32', true, 48),
  }),
  layout('scale and offset nested without offset', {
    ...int4Row,
    decode: affine(offset(unsigned)),
    scale: unsigned,
  }),
  layout('scale and offset nested, blocks of 16 splitHalves', {
    ...int4Row,
    order: 'splitHalves',
    blockSize: 16,
    decode: affine(offset(unsigned)),
    scale: unsigned,
  }),
  layout('scale nested, constant, blocks of 16 splitHalves', {
    ...int4Row,
    order: 'splitHalves',
    blockSize: 16,
    decode: affine(constant(4)),
    scale: nestedIn(16),
  }),
  layout('scale nested, constant, 8 bits, blocks of 16', {
    ...int8Row,
    blockSize: 16,
    decode: affine(constant(32)),
    scale: nestedIn(16),
  }),
  layout('scale nested, codebook, row blocks of 32 splitHalves', {
    order: 'splitHalves',
    blockSize: 32,
    blocks: 'row',
    scale: nestedIn(32),
  }),
];

/** Block sizes, flat and by row. */
export const blockLayouts: readonly NamedLayout[] = [
  ...[32, 64, 128, 256, 512, 1024, 2048, 4096].flatMap((blockSize) => [
    layout(`flat blocks of ${blockSize}`, { blockSize }),
    layout(`row blocks of ${blockSize}`, { ...int4Row, blockSize, decode: affine(constant(8)) }),
  ]),
  layout('a row a block, codebook', { blockSize: null, blocks: 'row' }),
  layout('a row a block, affine', { ...int4Row, blockSize: null, decode: affine(constant(8)) }),
];

const find = (name: string): NamedLayout => {
  const found = [...codeLayouts, ...scaleLayouts].find((each) => each.name === name);
  if (found === undefined) throw new Error(`no layout is named ${name}`);
  return found;
};

/** As nf4 with double quantization. */
export const nf4 = find('scale nested with offset');
/** As the symmetric int4 of compressed-tensors. */
export const int4 = find('affine 4 bits constant');

/** What checkpoints hold most; the last two as GPTQ and LLM.int8 have them. */
export const commonLayouts: readonly NamedLayout[] = [
  nf4,
  int4,
  find('affine 4 bits zeroPoint'),
  find('scale with a multiplier, a row a block'),
];
