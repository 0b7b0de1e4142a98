// compressed-tensors, as llm-compressor writes it and Kimi-K2 ships it. A weight is known by its tensors:
//
//   P.weight_packed I32 [N, ceil(K bits / 32)]    pack-quantized: integers of 4 or 8 bits, each plus 2^(bits - 1), along K
//     P.weight_scale [N, G]; P.weight_shape I64 [2]; P.weight_zero_point I32 [ceil(N bits / 32), G], packed along N;
//     P.weight_g_idx I32 [K] where inputs are in the order of their activations
//   P.weight_packed U8 [N, K / 2]                 nvfp4: P.weight_scale F8_E4M3 [N, K / 16], divided by P.weight_global_scale
//                                                 mxfp4: P.weight_scale U8 [N, K / 32], exponents
//   P.weight F8_E4M3 [N, K]                       float-quantized: P.weight_scale, one, one a row, or one a block
//   P.weight I8 [N, K]                            int-quantized: P.weight_scale [N, 1] or [1]
//
// https://github.com/vllm-project/compressed-tensors, compressors.
import { isObject, quote } from '@moeq/tensors';
import { fp8Weights } from '../checkpoint/fp8-blocks.js';
import type { QuantizedWeight } from '../files/file-set.js';
import { type FormSource, formError, moduleWith } from './form-source.js';
import { fp4Weight } from './fp4.js';
import { int8Weight } from './int8-rows.js';
import { packedWeight } from './packed-weight.js';

/** The settings of weights in `config_groups`. */
interface Weights {
  readonly bits: number;
  readonly groupSize: number | null;
  readonly block: readonly [number, number] | null;
}

/** @throws MoeqError for a weight of which a tensor is missing, or whose tensors fit no setting of the file */
export function compressedWeights(
  source: FormSource,
  own: Readonly<Record<string, unknown>>,
): QuantizedWeight[] {
  const settings = settingsOf(own);
  const packed = [...source.stored].flatMap(([key, tensor]) => {
    const module = moduleWith('weight_packed', key);
    if (module === null) return [];
    if (tensor.dtype === 'I32') return [packedWeight(source, module, settings)];
    if (tensor.dtype === 'U8') return [fp4Weight(source, module, 'weight_packed')];
    throw formError(tensor.file, `${quote(key, 120)} in I32 or U8`, tensor.dtype);
  });
  const integers = [...source.stored].flatMap(([key, { dtype }]) => {
    const module = moduleWith('weight', key);
    return module === null || dtype !== 'I8' ? [] : [int8Weight(source, module)];
  });
  const hasFloats = [...source.stored.values()].some(({ dtype }) => dtype === 'F8_E4M3');
  const block = settings.find((each) => each.block !== null)?.block;
  const floats = hasFloats ? fp8Weights(source, block == null ? {} : { weight_block_size: block }) : [];
  const nvfp4 = new Set(packed.flatMap(({ parts }) => parts.map(({ name }) => name)));
  return [...packed, ...integers, ...floats.filter(({ name }) => !nvfp4.has(name))];
}

function settingsOf({ config_groups: groups }: Readonly<Record<string, unknown>>): Weights[] {
  return Object.values(isObject(groups) ? groups : {}).flatMap((group) => {
    const weights = isObject(group) ? group['weights'] : null;
    if (!isObject(weights)) return [];
    const { num_bits: bits, group_size: size, block_structure: block } = weights;
    return {
      bits: typeof bits === 'number' ? bits : 4,
      groupSize: typeof size === 'number' && size > 0 ? size : null,
      block: Array.isArray(block) && block.length === 2 ? [Number(block[0]), Number(block[1])] : null,
    };
  });
}
