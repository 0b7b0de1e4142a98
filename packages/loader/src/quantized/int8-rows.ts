// A weight in whole 8-bit integers, two's complement, with a scale for each row or one for all, as compressed-tensors' form
// int-quantized has it: value = q * scale.
//
// Shapes: N rows, K columns.
import {
  elementCount,
  type FloatDType,
  isFloatDType,
  type Layout,
  type QuantizedTensor,
  quote,
} from '@moeq/tensors';
import type { QuantizedWeight } from '../files/file-set.js';
import { type FormSource, formError, partOf, partsOf, tensorOf } from './form-source.js';

const format = 'int8-rows';

/** @throws MoeqError for a tensor that is missing */
export function int8Weight(source: FormSource, module: string): QuantizedWeight {
  const codes = partOf(source, module, 'weight');
  const scales = partOf(source, module, 'weight_scale');
  const { shape } = codes;
  const [rows = 0, columns = 0] = shape;
  const layout: Layout = {
    bitsPerCode: 8,
    order: 'lowFirst',
    blockSize: Math.max(columns, 1),
    blocks: 'row',
    decode: { kind: 'affine', zero: { kind: 'signed' } },
    scale: { kind: 'plain', dtype: scales.dtype as FloatDType, multiplier: 1 },
  };
  return {
    name: codes.name,
    format,
    shape,
    parts: [codes, scales, ...partsOf(source, module, ['input_scale', 'input_zero_point'])],
    layout: () => layout,
    assertShape() {
      const count = elementCount(scales.shape);
      if (isFloatDType(scales.dtype) && (count === 1 || count === rows)) return;
      const expected = `${quote(scales.name, 120)} of one float, or one a row of ${rows}`;
      throw formError(scales.file, expected, `${scales.dtype} ${quote(scales.shape)}`);
    },
    decode(parts): QuantizedTensor {
      const { data } = tensorOf(parts, codes.name);
      const { data: own, dtype } = tensorOf(parts, scales.name);
      const size = own.byteLength / elementCount(scales.shape);
      const byRow = new Uint8Array(rows * size);
      for (let row = 0; row < rows; row++) byRow.set(own.subarray(0, size), row * size);
      const isOne = elementCount(scales.shape) === 1;
      return {
        format,
        shape,
        dtype: dtype as FloatDType,
        layout,
        planes: { codes: { dtype: 'U8', data }, scales: { dtype, data: isOne ? byRow : own } },
      };
    },
  };
}
