// The check of what a quantizer says as data about its codes, `Encoding` of @moeq/tensors.
import * as v from 'valibot';
import { loose } from './options.js';

const size = v.pipe(v.number(), v.integer('a whole number'), v.minValue(1, 'a number from 1'));

const floats = v.instance(Float32Array, 'a Float32Array');

const codebook = v.pipe(
  loose({
    bitsPerCode: v.picklist([4, 8]),
    values: floats,
    thresholds: floats,
    codeOfRank: v.instance(Uint8Array, 'a Uint8Array'),
  }),
  v.check(
    ({ bitsPerCode, ...tables }) => Object.values(tables).every(({ length }) => length === 2 ** bitsPerCode),
    'tables of 2^bitsPerCode entries',
  ),
);

const rule = v.variant('kind', [
  v.looseObject({ kind: v.literal('codebook'), codebook, blockSize: size }),
  v.looseObject({
    kind: v.literal('affine4'),
    blockSize: v.union([size, v.literal('row')], "a whole number from 1, or 'row'"),
    symmetric: v.boolean(),
    search: v.boolean(),
  }),
  v.looseObject({ kind: v.literal('signed8'), blockSize: size }),
  v.looseObject({ kind: v.literal('rows8'), multiplier: v.number() }),
]);

export const encodingObject = loose({
  rule,
  nested: v.nullable(loose({ codebook, blockSize: size })),
});
