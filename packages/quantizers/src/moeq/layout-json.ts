// A layout as JSON: the fields of `Layout` as they are, codebooks as arrays of numbers. A float32 written as the shortest
// decimal of its double value comes back bit for bit.
import type { BlockValues, Layout } from '@moeq/tensors';
import * as v from 'valibot';
import { strict } from '../options.js';

const blockSize = v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'a number from 1'));

const float = v.pipe(
  v.number(),
  v.check((value) => Number.isFinite(Math.fround(value)), 'a finite float32'),
  v.transform(Math.fround),
);

/** A table for codes of so many bits. */
const codebook = (length: number) =>
  v.pipe(
    v.array(float),
    v.length(length, `a table of ${length} numbers`),
    v.transform((values) => Float32Array.from(values)),
  );

const blockValues = v.variant('kind', [
  strict({
    kind: v.literal('plain'),
    dtype: v.picklist(['F32', 'F16', 'BF16', 'F8_E8M0']),
    multiplier: v.pipe(v.number(), v.finite('a finite number')),
  }),
  strict({
    kind: v.literal('nested'),
    codebook: codebook(256),
    blockSize,
    dtype: v.picklist(['F32', 'F16', 'BF16']),
    hasOffset: v.boolean(),
  }),
]);

const affine = (codes: number) =>
  strict({
    kind: v.literal('affine'),
    zero: v.variant('kind', [
      strict({ kind: v.literal('signed') }),
      strict({
        kind: v.literal('constant'),
        value: v.pipe(
          v.number(),
          v.safeInteger('a whole number'),
          v.minValue(0, `a code from 0 to ${codes - 1}`),
          v.maxValue(codes - 1, `a code from 0 to ${codes - 1}`),
        ),
      }),
      strict({ kind: v.literal('zeroPoint') }),
      strict({ kind: v.literal('offset'), offset: blockValues }),
    ]),
  });

const layoutOf = <const Bits extends 4 | 8>(bits: Bits) =>
  strict({
    bitsPerCode: v.literal(bits),
    order: bits === 8 ? v.picklist(['lowFirst']) : v.picklist(['highFirst', 'lowFirst', 'splitHalves']),
    blockSize,
    blocks: v.picklist(['flat', 'row']),
    decode: v.variant('kind', [
      strict({ kind: v.literal('codebook'), values: codebook(2 ** bits) }),
      affine(2 ** bits),
    ]),
    scale: blockValues,
  });

/** Validates the JSON of a layout and gives the layout. */
export const layoutSchema = v.variant('bitsPerCode', [layoutOf(4), layoutOf(8)]);

/** What JSON.stringify writes of a layout. */
export type LayoutJson = v.InferInput<typeof layoutSchema>;

export function encodeLayout({ decode, scale, ...rest }: Layout): LayoutJson {
  return {
    ...rest,
    decode: encodeDecode(decode),
    scale: encodeBlockValues(scale),
  } as LayoutJson;
}

function encodeDecode(decode: Layout['decode']): LayoutJson['decode'] {
  if (decode.kind === 'codebook') return { kind: 'codebook', values: Array.from(decode.values) };
  if (decode.zero.kind !== 'offset') return { kind: 'affine', zero: decode.zero };
  return { kind: 'affine', zero: { kind: 'offset', offset: encodeBlockValues(decode.zero.offset) } };
}

function encodeBlockValues(values: BlockValues): LayoutJson['scale'] {
  return values.kind === 'plain' ? values : { ...values, codebook: Array.from(values.codebook) };
}
