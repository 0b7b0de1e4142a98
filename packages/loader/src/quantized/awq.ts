// AWQ in the layout `gemm`, as AutoAWQ writes it: of a linear layer P with K inputs and N outputs, 4 bits
//
//   P.qweight I32 [K, N / 8]     packed along N: nibble i of a word belongs to output 8c + order[i]
//   P.qzeros  I32 [G, N / 8]     the same order; the zero points themselves
//   P.scales  F16 [G, N]
//
// value = (q - z) * scale. https://github.com/casper-hansen/AutoAWQ, modules/linear/gemm.py.
//
// Shapes: K inputs, N outputs, G groups.
import {
  type FloatDType,
  isFloatDType,
  type Layout,
  type QuantizedTensor,
  quote,
  type Tensor,
  viewAs,
} from '@moeq/tensors';
import * as v from 'valibot';
import type { QuantizedWeight } from '../files/file-set.js';
import { type FormSource, formError, moduleWith, partOf, tensorOf } from './form-source.js';
import { groupLayout } from './groups.js';
import { codesPlane, transposed, wordsOf } from './packed-integers.js';

const schema = v.object({
  bits: v.literal(4),
  version: v.nullish(v.pipe(v.string(), v.toLowerCase(), v.literal('gemm'))),
  format: v.nullish(v.pipe(v.string(), v.toLowerCase(), v.literal('gemm'))),
  zero_point: v.nullish(v.literal(true)),
});

const order = [0, 2, 4, 6, 1, 3, 5, 7];
const format = 'awq-int4';

/** @throws MoeqError for another layout or other bits, or a weight of which a tensor is missing */
export function awqWeights(source: FormSource, own: Readonly<Record<string, unknown>>): QuantizedWeight[] {
  if (!v.is(schema, own)) {
    const { bits, version, zero_point } = own;
    const expected = 'quantization_config with bits 4, version gemm and zero_point true';
    throw formError(source.file, expected, quote({ bits, version, zero_point }));
  }
  return [...source.stored.keys()].flatMap((key) => {
    const module = moduleWith('qweight', key);
    if (module === null) return [];
    const [codes, zeros, scales] = ['qweight', 'qzeros', 'scales'].map((part) =>
      partOf(source, module, part),
    );
    if (codes === undefined || zeros === undefined || scales === undefined) return [];
    const [inputs = 0, words = 0] = codes.shape;
    const [groups = 0] = scales.shape;
    const outputs = 8 * words;
    return {
      name: `${module}.weight`,
      format,
      shape: [outputs, inputs],
      parts: [codes, zeros, scales],
      layout: () =>
        isFloatDType(scales.dtype) ? layoutOf(inputs / Math.max(groups, 1), scales.dtype) : undefined,
      assertShape() {
        for (const [{ name, shape, file }, expected] of [
          [zeros, [groups, words]],
          [scales, [groups, outputs]],
        ] as const) {
          if (quote(shape) === quote(expected)) continue;
          throw formError(file, `${quote(name, 120)} of shape ${quote(expected)}`, quote(shape));
        }
        if (groups > 0 && inputs % groups === 0) return;
        throw formError(scales.file, `groups of ${inputs} inputs, all alike`, `${groups} groups`);
      },
      decode: (parts) => decode(parts, module, [outputs, inputs, groups]),
    };
  });
}

const layoutOf = (blockSize: number, dtype: FloatDType): Layout =>
  groupLayout(4, blockSize, dtype, { kind: 'zeroPoint' });

function decode(
  parts: Readonly<Record<string, Tensor>>,
  module: string,
  [outputs, inputs, groups]: readonly [number, number, number],
): QuantizedTensor {
  const scales = tensorOf(parts, `${module}.scales`);
  if (!isFloatDType(scales.dtype) || scales.dtype === 'F32')
    throw formError(module, 'scales in F16 or BF16', scales.dtype);
  const codes = unpack(wordsOf(tensorOf(parts, `${module}.qweight`)), outputs, inputs);
  const zeroPoints = unpack(wordsOf(tensorOf(parts, `${module}.qzeros`)), outputs, groups);
  const own = viewAs<Uint16Array>(Uint16Array, scales.data);
  const turned = transposed(own, new Uint16Array(own.length), groups);
  return {
    format,
    shape: [outputs, inputs],
    dtype: scales.dtype,
    layout: layoutOf(inputs / groups, scales.dtype),
    planes: {
      codes: codesPlane(codes, 4),
      scales: { dtype: scales.dtype, data: new Uint8Array(turned.buffer) },
      zeroPoints: { dtype: 'U8', data: zeroPoints },
    },
  };
}

/** [N, rows] of words [rows, N / 8]. */
function unpack(words: Uint32Array, outputs: number, rows: number): Uint8Array {
  const out = new Uint8Array(outputs * rows);
  const perRow = outputs / 8;
  for (let row = 0; row < rows; row++) {
    for (let word = 0; word < perRow; word++) {
      const packed = words[row * perRow + word] as number;
      order.forEach((output, nibble) => {
        out[(8 * word + output) * rows + row] = (packed >>> (4 * nibble)) & 15;
      });
    }
  }
  return out;
}
