// Quantizers such as a user would write: one that no layout describes, and one whose layout has offsets.
import { decodeTensor, type Layout, MoeqError, packCodes } from '@moeq/tensors';
import { assertMatrix } from '../check.js';
import { bytePlane, floatPlane } from '../plane.js';
import type { Quantizer } from '../quantizer.js';

/** The upper 12 bits of each float32, three bytes for two weights: sign, exponent and 3 bits of mantissa, truncated. */
export function twelveBit(): Quantizer {
  return {
    specificationVersion: 'v1',
    name: 'twelve-bit',
    options: {},
    layout: () => null,
    quantize(weights, shape, { name, dtype }) {
      assertMatrix(weights, shape, name);
      const words = new Uint32Array(weights.slice().buffer);
      const packed = new Uint8Array(Math.ceil(weights.length / 2) * 3);
      words.forEach((word, index) => {
        const at = (index >> 1) * 3;
        const bits = (word + 0x7ffff) >>> 20;
        if (index % 2 === 0) {
          packed[at] = bits >> 4;
          packed[at + 1] = (bits & 15) << 4;
        } else {
          packed[at + 1] = (packed[at + 1] as number) | (bits >> 8);
          packed[at + 2] = bits & 255;
        }
      });
      return {
        format: 'twelve-bit',
        shape: [...shape],
        dtype,
        layout: null,
        planes: { packed: bytePlane(packed) },
      };
    },
    dequantize({ shape: [rows = 0, columns = 0], planes }, out = new Float32Array(rows * columns)) {
      const data = Object.values(planes)[0]?.data;
      if (data === undefined) {
        throw new MoeqError({
          operation: 'decode',
          subject: 'twelve-bit',
          expected: 'plane packed',
          found: 'none',
        });
      }
      const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let index = 0; index < words.length; index++) {
        const [first = 0, middle = 0, last = 0] = data.subarray((index >> 1) * 3);
        const bits = index % 2 === 0 ? (first << 4) | (middle >> 4) : ((middle & 15) << 8) | last;
        words[index] = bits << 20;
      }
      return out;
    },
  };
}

/** 8-bit codes of rows from their least to their largest weight: code * scale + offset. */
export function rowRange(): Quantizer {
  const layout = ([, columns]: readonly [number, number]): Layout => {
    const plain = { kind: 'plain', dtype: 'F32', multiplier: 1 } as const;
    return {
      bitsPerCode: 8,
      order: 'lowFirst',
      blockSize: Math.max(columns, 1),
      blocks: 'row',
      decode: { kind: 'affine', zero: { kind: 'offset', offset: plain } },
      scale: plain,
    };
  };
  return {
    specificationVersion: 'v1',
    name: 'row-range',
    options: {},
    layout,
    quantize(weights, shape, { name, dtype }) {
      assertMatrix(weights, shape, name);
      const [rows, columns] = shape;
      const blocks = columns === 0 ? 0 : rows;
      const codes = new Uint8Array(weights.length);
      const scales = new Float32Array(blocks);
      const offsets = new Float32Array(blocks);
      for (let row = 0; row < blocks; row++) {
        const part = weights.subarray(row * columns, (row + 1) * columns);
        const low = Math.min(...part);
        const scale = Math.fround((Math.max(...part) - low) / 255);
        scales[row] = scale;
        offsets[row] = low;
        part.forEach((weight, k) => {
          codes[row * columns + k] = scale === 0 ? 0 : Math.min(255, Math.round((weight - low) / scale));
        });
      }
      const planes = {
        codes: bytePlane(packCodes(codes, 8, 'lowFirst')),
        scales: floatPlane(scales),
        offsets: floatPlane(offsets),
      };
      return { format: 'row-range', shape: [...shape], dtype, layout: layout(shape), planes };
    },
    dequantize: decodeTensor,
  };
}
