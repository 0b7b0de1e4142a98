// A quantizer from nothing but a table of values: codes of the nearest value, blocks along the row-major elements, absmax
// scales in float32. nf4 and fp4 are made of it, and so is a codebook of your own, which then runs on every kernel there is.
import { type Codebook, decodeTensor, type Layout } from '@moeq/tensors';
import * as v from 'valibot';
import { assertMatrix } from './check.js';
import { codebookEncoder, quantizeCodebook } from './codebook.js';
import { strict, validate } from './options.js';
import { bytePlane, floatPlane } from './plane.js';
import type { Quantizer } from './quantizer.js';
import { formatName } from './quantizer-object.js';

/** The block sizes that bitsandbytes has kernels for. */
export const blockSizes = [32, 64, 128, 256, 512, 1024, 2048, 4096] as const;

export type BlockSize = (typeof blockSizes)[number];

export interface BlockOptions {
  /** Weights that share a scale; 64 unless given. */
  readonly blockSize?: BlockSize;
}

export interface CodebookOptions extends BlockOptions {
  /** The format's name. */
  readonly name: string;
  /** 16 values for codes of 4 bits, 256 for codes of 8, in [-1, 1], in the order of the codes. */
  readonly values: Iterable<number>;
}

const blockSize = v.optional(v.picklist(blockSizes), 64);

const blockOptions = strict({ blockSize });

const codebookOptions = strict({
  name: formatName,
  values: v.pipe(
    v.custom<Iterable<number>>(isIterable, 'an array'),
    v.transform((values) => Array.from(values)),
    v.check(({ length }) => length === 16 || length === 256, '16 or 256 values'),
    v.check((values) => values.every((value) => Math.abs(value) <= 1), 'values from -1 to 1'),
    v.transform((values) => Float32Array.from(values)),
  ),
  blockSize,
});

/**
 * A quantizer of your own codebook.
 * @throws MoeqError for options that are not as described, unknown ones included
 */
export function codebookQuantizer(options: CodebookOptions): Quantizer {
  const { name, values, blockSize } = validate(codebookOptions, options, 'read options', 'codebookQuantizer');
  return make(name, values, blockSize);
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** A built-in format of that name and codebook, its options yet to be checked. */
export function builtInCodebook(name: string, values: Float32Array, options: BlockOptions): Quantizer {
  return make(name, values, validate(blockOptions, options, 'read options', name).blockSize);
}

function make(name: string, values: Float32Array, blockSize: BlockSize): Quantizer {
  const encoder = codebookEncoder(values);
  const layout: Layout = {
    bitsPerCode: encoder.bitsPerCode,
    order: encoder.bitsPerCode === 4 ? 'highFirst' : 'lowFirst',
    blockSize,
    blocks: 'flat',
    decode: { kind: 'codebook', values },
    scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
  };
  const { bitsPerCode, thresholds, codeOfRank } = encoder;
  const codebook: Codebook = { bitsPerCode, values, thresholds, codeOfRank };
  return {
    specificationVersion: 'v1',
    name,
    options: { blockSize },
    layout: () => layout,
    quantize(weights, shape, context) {
      assertMatrix(weights, shape, context.name);
      const { codes, absmax } = quantizeCodebook(weights, blockSize, encoder);
      return {
        format: name,
        shape: [...shape],
        dtype: context.dtype,
        layout,
        planes: { codes: bytePlane(codes), scales: floatPlane(absmax) },
      };
    },
    dequantize: decodeTensor,
    encoding: { rule: { kind: 'codebook', codebook, blockSize }, nested: null },
  };
}
