// GPTQ as AutoGPTQ and GPTQModel write it: of a linear layer P with K inputs and N outputs
//
//   P.qweight I32 [ceil(K bits / 32), N]     packed along K
//   P.qzeros  I32 [G, ceil(N bits / 32)]     packed along N; version 1 holds each zero point less one, taken off whole words
//   P.scales  F16 [G, N]
//   P.g_idx   I32 [K]                        the group of each input; absent where they follow one another
//
// value = scales[g][n] * (q - z). Groups that follow one another are blocks; inputs in the order of their activations
// (act-order) leave none, and each number has its own scale. https://github.com/ModelCloud/GPTQModel, nn_modules/qlinear.
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
import { type FormSource, formError, moduleWith, partOf, partsOf, tensorOf } from './form-source.js';
import { groupLayout, spreadBytes, spreadOf } from './groups.js';
import { codesPlane, integerAt, transposed, wordsOf } from './packed-integers.js';

const schema = v.object({
  bits: v.picklist([2, 3, 4, 8]),
  checkpoint_format: v.nullish(v.string()),
  format: v.nullish(v.string()),
  desc_act: v.nullish(v.boolean(), false),
});

/** What version 1 has taken off each word of zero points: one in every integer. */
const ones: Readonly<Record<number, number>> = { 2: 0x55555555, 4: 0x11111111, 8: 0x01010101 };

/** @throws MoeqError for bits or a format that are not known, or a weight of which a tensor is missing */
export function gptqWeights(source: FormSource, own: Readonly<Record<string, unknown>>): QuantizedWeight[] {
  const parsed = v.safeParse(schema, own);
  if (!parsed.success)
    throw formError(source.file, 'quantization_config with bits 2, 3, 4 or 8', quote(own['bits']));
  const { bits, desc_act: ordered } = parsed.output;
  const version = parsed.output.checkpoint_format ?? parsed.output.format ?? 'gptq';
  if (version !== 'gptq' && version !== 'gptq_v2')
    throw formError(source.file, 'checkpoint_format gptq or gptq_v2', quote(version));
  return [...source.stored.keys()].flatMap((key) => {
    const module = moduleWith('qweight', key);
    if (module === null) return [];
    const [codes, zeros, scales] = ['qweight', 'qzeros', 'scales'].map((part) =>
      partOf(source, module, part),
    );
    if (codes === undefined || zeros === undefined || scales === undefined) return [];
    const [index] = partsOf(source, module, ['g_idx']);
    const [words = 0, outputs = 0] = codes.shape;
    const [groups = 0] = scales.shape;
    const inputs = index?.shape[0] ?? Math.floor((32 * words) / bits);
    const name = `${module}.weight`;
    const weight: Gptq = { module, bits, isFirst: version === 'gptq', inputs, outputs, groups };
    return {
      name,
      format: `gptq-int${bits}`,
      shape: [outputs, inputs],
      parts: [codes, zeros, scales, ...(index === undefined ? [] : [index])],
      layout: () => (ordered || !isFloatDType(scales.dtype) ? undefined : layoutOf(weight, scales.dtype)),
      assertShape() {
        const packed = (count: number) => Math.ceil((count * bits) / 32);
        const expected = {
          qweight: [packed(inputs), outputs],
          qzeros: [groups, packed(outputs)],
          scales: [groups, outputs],
        };
        for (const [part, shape] of Object.entries(expected)) {
          const found = partOf(source, module, part);
          if (quote(found.shape) === quote(shape)) continue;
          throw formError(
            found.file,
            `${quote(found.name, 120)} of shape ${quote(shape)}`,
            quote(found.shape),
          );
        }
      },
      decode: (parts) => decode(parts, weight),
    };
  });
}

interface Gptq {
  readonly module: string;
  readonly bits: 2 | 3 | 4 | 8;
  /** Whether zero points are stored less one. */
  readonly isFirst: boolean;
  /** K, N and G. */
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
}

function layoutOf(
  { bits, inputs, groups }: Gptq,
  dtype: FloatDType,
  blockSize = Math.ceil(inputs / Math.max(groups, 1)),
): Layout {
  return groupLayout(bits === 8 ? 8 : 4, blockSize, dtype, { kind: 'zeroPoint' });
}

function decode(parts: Readonly<Record<string, Tensor>>, weight: Gptq): QuantizedTensor {
  const { module, bits, isFirst, inputs, outputs, groups } = weight;
  const scales = tensorOf(parts, `${module}.scales`);
  if (!isFloatDType(scales.dtype) || scales.dtype === 'F32')
    throw formError(module, 'scales in F16 or BF16', scales.dtype);
  const codes = new Uint8Array(outputs * inputs);
  const words = wordsOf(tensorOf(parts, `${module}.qweight`));
  for (let row = 0; row < outputs; row++)
    for (let column = 0; column < inputs; column++)
      codes[row * inputs + column] = integerAt(words, bits, column, row, outputs);
  const byGroup = transposed(
    viewAs<Uint16Array>(Uint16Array, scales.data),
    new Uint16Array(groups * outputs),
    groups,
  );
  const zeros = zeroPoints(wordsOf(tensorOf(parts, `${module}.qzeros`)), weight);
  const index = parts[`${module}.g_idx`];
  const size = Math.ceil(inputs / Math.max(groups, 1));
  const spread =
    index === undefined ? null : spreadOf(module, viewAs<Int32Array>(Int32Array, index.data), size, groups);
  const spreadOut = (data: Uint8Array, bytes: number) => spreadBytes(data, bytes, outputs, groups, spread);
  const layout = layoutOf(weight, scales.dtype, spread === null ? size : 1);
  return {
    format: `gptq-int${bits}`,
    shape: [outputs, inputs],
    dtype: scales.dtype,
    layout,
    planes: {
      codes: codesPlane(codes, layout.bitsPerCode),
      scales: { dtype: scales.dtype, data: spreadOut(new Uint8Array(byGroup.buffer), 2) },
      zeroPoints: { dtype: 'U8', data: spreadOut(zeros, 1) },
    },
  };

  /** [N, G] */
  function zeroPoints(stored: Uint32Array, { bits, outputs, groups }: Gptq): Uint8Array {
    const perRow = Math.ceil((outputs * bits) / 32);
    const one = ones[bits];
    const whole = isFirst && one !== undefined ? stored.map((word) => word + one) : stored;
    const out = new Uint8Array(outputs * groups);
    for (let group = 0; group < groups; group++) {
      for (let output = 0; output < outputs; output++) {
        const value = integerAt(whole, bits, output, group * perRow, 1);
        // integers of three bits, which no word has whole, are taken one by one
        const own = isFirst && one === undefined ? (value + 1) & (2 ** bits - 1) : value;
        out[output * groups + group] = own;
      }
    }
    return out;
  }
}
