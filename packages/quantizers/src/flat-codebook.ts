// What nf4 and fp4 share: 4-bit codes of a fixed codebook, blocks along the row-major elements, absmax scales in float32.
import { decodeTensor, type Layout } from '@moeq/tensors';
import * as v from 'valibot';
import { assertMatrix } from './check.js';
import { codebookEncoder, quantizeCodebook } from './codebook.js';
import { strict, validate } from './options.js';
import { bytePlane, floatPlane } from './plane.js';
import type { Quantizer } from './quantizer.js';

/** The block sizes that bitsandbytes has kernels for. */
export const codebookBlockSizes = [32, 64, 128, 256, 512, 1024, 2048, 4096] as const;

const optionsSchema = strict({ blockSize: v.optional(v.picklist(codebookBlockSizes), 64) });

/** @returns a factory of quantizers of that name and codebook */
export function flatCodebookQuantizer(name: string, values: Float32Array): (options: object) => Quantizer {
  const encoder = codebookEncoder(values);
  return (options) => {
    const { blockSize } = validate(optionsSchema, options, 'read options', name);
    const layout: Layout = {
      bitsPerCode: 4,
      order: 'highFirst',
      blockSize,
      blocks: 'flat',
      decode: { kind: 'codebook', values },
      scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
    };
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
    };
  };
}
