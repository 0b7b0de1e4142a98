// INT4: weight = (code - zero) * scale, codes 0 to 15 in blocks of a row. Symmetric: zero is 8 everywhere and the scale
// absmax / 7.5, so that the largest weight, on either side, is off by half a step at most (compressed-tensors,
// calculate_qparams). Asymmetric: a zero point a block, and the range from min to max, 0 included, in 15 steps (GPTQ).
import { decodeTensor, type Layout, packCodes } from '@moeq/tensors';
import * as v from 'valibot';
import { type BlockFit, encodeBlock, fitBlock } from './affine-block.js';
import { assertMatrix } from './check.js';
import { strict, validate } from './options.js';
import { bytePlane, floatPlane } from './plane.js';
import type { Quantizer } from './quantizer.js';

export interface Int4Options {
  /** Zero is 8 in every block, rather than a zero point of its own; true unless given. */
  readonly symmetric?: boolean;
  /** Weights of a row that share a scale; `row` for all of them; 32 unless given. */
  readonly blockSize?: 32 | 64 | 128 | 'row';
  /** Looks for the scale of the least squared error instead of taking it from the largest weight; false unless given. */
  readonly search?: boolean;
}

const optionsSchema = strict({
  symmetric: v.optional(v.boolean(), true),
  blockSize: v.optional(v.picklist([32, 64, 128, 'row']), 32),
  search: v.optional(v.boolean(), false),
});

/**
 * INT4.
 * @throws MoeqError for other options
 */
export function int4(options: Int4Options = {}): Quantizer {
  const { symmetric, blockSize, search } = validate(optionsSchema, options, 'read options', 'int4');
  const layout = ([, columns]: readonly [number, number]): Layout => ({
    bitsPerCode: 4,
    order: 'lowFirst',
    blockSize: blockSize === 'row' ? Math.max(columns, 1) : blockSize,
    blocks: 'row',
    decode: { kind: 'affine', zero: symmetric ? { kind: 'constant', value: 8 } : { kind: 'zeroPoint' } },
    scale: { kind: 'plain', dtype: 'F32', multiplier: 1 },
  });
  const rule = { kind: 'affine4', blockSize, symmetric, search } as const;
  return {
    specificationVersion: 'v1',
    name: 'int4',
    options: { symmetric, blockSize, search },
    layout,
    quantize(weights, shape, { name, dtype }) {
      assertMatrix(weights, shape, name);
      const [rows, columns] = shape;
      const size = blockSize === 'row' ? Math.max(columns, 1) : blockSize;
      const blocks = rows * Math.ceil(columns / size);
      const codes = new Uint8Array(weights.length);
      const scales = new Float32Array(blocks);
      const zeroPoints = new Uint8Array(blocks);
      const fit: BlockFit = { scale: 0, zero: 8 };
      let block = 0;
      for (let row = 0; row < rows; row++) {
        const end = (row + 1) * columns;
        for (let first = row * columns; first < end; first += size) {
          const last = Math.min(first + size, end);
          fitBlock(weights, first, last, symmetric, search, fit);
          encodeBlock(weights, first, last, fit, codes);
          scales[block] = fit.scale;
          zeroPoints[block++] = fit.zero;
        }
      }
      const packed = packCodes(codes, 4, 'lowFirst');
      const planes = { codes: bytePlane(packed), scales: floatPlane(scales) };
      return {
        format: 'int4',
        shape: [...shape],
        dtype,
        layout: layout(shape),
        planes: symmetric ? planes : { ...planes, zeroPoints: bytePlane(zeroPoints) },
      };
    },
    dequantize: decodeTensor,
    encoding: { rule, nested: null },
  };
}
