// INT8, symmetric, -127 to 127: row-wise as LLM.int8 stores it, or in blocks of a row with a scale of absmax / 127 each.
import { decodeTensor, type FloatDType, fromFloat32, type Layout, MoeqError, toFloat32 } from '@moeq/tensors';
import * as v from 'valibot';
import { assertMatrix } from './check.js';
import { type BlockSize, blockSizes } from './codebook-quantizer.js';
import { quantizeInt8Rows } from './int8-rows.js';
import { strict, validate } from './options.js';
import { bytePlane, floatPlane } from './plane.js';
import type { Quantizer } from './quantizer.js';
import { finiteScale, largestFloat, roundToEven } from './rounding.js';

export type Int8Options =
  | { readonly granularity?: 'row' }
  | { readonly granularity: 'block'; readonly blockSize?: BlockSize };

const optionsSchema = v.variant(
  'granularity',
  [
    strict({ granularity: v.optional(v.literal('row'), 'row') }),
    strict({ granularity: v.literal('block'), blockSize: v.optional(v.picklist(blockSizes), 64) }),
  ],
  'row or block',
);

/** 1/127 as bitsandbytes writes it, functional.py, int8_vectorwise_dequant. */
export const int8RowMultiplier = 7.874015718698502e-3;

/**
 * INT8.
 * @param options `granularity`: `row` (unless given), one scale a row, byte for byte what LLM.int8 stores; or `block`, one
 * scale for `blockSize` weights of a row, a power of two from 32 to 4096, 64 unless given
 * @throws MoeqError for other options
 */
export function int8(options: Int8Options = {}): Quantizer {
  const checked = validate(optionsSchema, options, 'read options', 'int8');
  return checked.granularity === 'row' ? rowWise() : blockWise(checked.blockSize);
}

function layoutOf(blockSize: number, multiplier: number): Layout {
  return {
    bitsPerCode: 8,
    order: 'lowFirst',
    blockSize,
    blocks: 'row',
    decode: { kind: 'affine', zero: { kind: 'signed' } },
    scale: { kind: 'plain', dtype: 'F32', multiplier },
  };
}

function rowWise(): Quantizer {
  const layout = (shape: readonly [number, number]) => layoutOf(Math.max(shape[1], 1), int8RowMultiplier);
  return {
    specificationVersion: 'v1',
    name: 'int8',
    options: { granularity: 'row' },
    layout,
    quantize(weights, shape, { name, dtype }) {
      assertMatrix(weights, shape, name);
      const { codes, absmax } = quantizeInt8Rows(asLlmInt8Sees(weights, dtype), shape);
      assertInRange(absmax, dtype, name);
      return {
        format: 'int8',
        shape: [...shape],
        dtype,
        layout: layout(shape),
        planes: { codes: bytePlane(new Uint8Array(codes.buffer)), scales: floatPlane(absmax) },
      };
    },
    dequantize: decodeTensor,
    encoding: { rule: { kind: 'rows8', multiplier: int8RowMultiplier }, nested: null },
  };
}

/** bitsandbytes casts bfloat16 weights to float16 first (Int8Params); float16 and float32 it quantizes as they are. */
function asLlmInt8Sees(weights: Float32Array, dtype: FloatDType): Float32Array {
  return dtype === 'BF16' ? toFloat32(fromFloat32(weights, 'F16'), 'F16') : weights;
}

/** Of a row that float16 cannot hold absmax is infinite; of one whose 127 * SCB float32 cannot hold, its values would be. */
function assertInRange(absmax: Float32Array, dtype: FloatDType, name: string): void {
  const row = absmax.findIndex((largest) => largest * 127 > largestFloat);
  if (row < 0) return;
  throw new MoeqError({
    operation: 'quantize to int8 rows',
    subject: name,
    expected:
      dtype === 'BF16'
        ? 'weights within float16, through which LLM.int8 takes them'
        : 'weights of which 127 times the largest is within float32, as LLM.int8 multiplies',
    found: `row ${row} beyond`,
  });
}

function blockWise(blockSize: number): Quantizer {
  const layout = layoutOf(blockSize, 1);
  return {
    specificationVersion: 'v1',
    name: 'int8',
    options: { granularity: 'block', blockSize },
    layout: () => layout,
    quantize(weights, shape, { name, dtype }) {
      assertMatrix(weights, shape, name);
      const [rows, columns] = shape;
      const codes = new Int8Array(weights.length);
      const scales = new Float32Array(rows * Math.ceil(columns / blockSize));
      let block = 0;
      for (let row = 0; row < rows; row++) {
        const end = (row + 1) * columns;
        for (let first = row * columns; first < end; first += blockSize) {
          scales[block++] = quantizeBlock(weights, first, Math.min(first + blockSize, end), codes);
        }
      }
      return {
        format: 'int8',
        shape: [...shape],
        dtype,
        layout,
        planes: { codes: bytePlane(new Uint8Array(codes.buffer)), scales: floatPlane(scales) },
      };
    },
    dequantize: decodeTensor,
    encoding: { rule: { kind: 'signed8', blockSize }, nested: null },
  };
}

/** Writes the codes of one block and returns its scale; the scale 0, of zeros, has codes 0. */
function quantizeBlock(weights: Float32Array, first: number, last: number, codes: Int8Array): number {
  let largest = 0;
  for (let i = first; i < last; i++) largest = Math.max(largest, Math.abs(weights[i] as number));
  const scale = finiteScale(largest / 127, 127);
  if (scale === 0) return 0;
  for (let i = first; i < last; i++) {
    const code = roundToEven(Math.fround((weights[i] as number) / scale));
    codes[i] = code > 127 ? 127 : Math.max(code, -127);
  }
  return scale;
}
