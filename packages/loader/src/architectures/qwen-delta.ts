// What the Qwens with gated delta nets share (transformers models/qwen3_next and qwen3_5_moe): delta nets in all layers but
// every fourth, there attention with gates behind its queries; norms that are stored less one; a shared expert with a gate.
import type { DecoderConfig, DeltaNetConfig, DenseConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { commonFields, configError, count, flag, tapCount, width } from '../config/config.js';
import { linearLayers, linearTypes } from '../config/layer-types.js';
import { rotaryShare, rotaryShareFields } from '../config/rotary-share.js';
import {
  biasNames,
  decoderConfig,
  denseNames,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { gatedSharedNames } from './qwen.js';

const mostHeads = 4096;

const net = 'model.layers.{layer}.linear_attn';

export const qwenDeltaNames = {
  ...llamaNames,
  ...biasNames,
  ...queryKeyNormNames,
  ...denseNames,
  ...mlpExpertNames,
  ...gatedSharedNames,
  deltaQkvz: [`${net}.in_proj_qkvz.weight`],
  deltaBetaDecay: [`${net}.in_proj_ba.weight`],
  deltaQkv: [`${net}.in_proj_qkv.weight`],
  deltaGate: [`${net}.in_proj_z.weight`],
  deltaBeta: [`${net}.in_proj_b.weight`],
  deltaDecay: [`${net}.in_proj_a.weight`],
  deltaTaps: [`${net}.conv1d.weight`],
  deltaDecayLog: [`${net}.A_log`],
  deltaDecayBias: [`${net}.dt_bias`],
  deltaNorm: [`${net}.norm.weight`],
  deltaOutput: [`${net}.out_proj.weight`],
} as const satisfies TensorNames;

export const qwenDeltaFields = {
  ...commonFields,
  ...rotaryShareFields,
  head_dim: v.optional(commonFields.head_dim, 256),
  num_key_value_heads: v.optional(commonFields.num_key_value_heads, 2),
  attention_bias: flag(false),
  moe_intermediate_size: v.nullish(width, 512),
  shared_expert_intermediate_size: v.nullish(width, 512),
  linear_conv_kernel_dim: v.nullish(tapCount, 4),
  linear_key_head_dim: v.nullish(width, 128),
  linear_value_head_dim: v.nullish(width, 128),
  linear_num_key_heads: v.nullish(count(mostHeads), 16),
  linear_num_value_heads: v.nullish(count(mostHeads), 32),
  /** Every so many layers one has attention, where there are no `layer_types`. */
  full_attention_interval: v.nullish(count(mostHeads), 4),
  layer_types: linearTypes,
};

type QwenDelta = v.InferOutput<v.ObjectSchema<typeof qwenDeltaFields, undefined>>;

/**
 * @param rows how the input projections of delta nets lie in files
 * @param mlpOf of a layer
 * @throws MoeqError for sizes or types of layers that do not fit one another
 */
export function qwenDeltaDecoder(
  config: QwenDelta,
  file: string,
  {
    modelType,
    rows,
    mlpOf,
  }: {
    readonly modelType: string;
    readonly rows: DeltaNetConfig['rows'];
    readonly mlpOf: (index: number) => MoeConfig | DenseConfig;
  },
): DecoderConfig {
  const { attention_bias: bias, num_hidden_layers: layers, full_attention_interval: interval } = config;
  const delta = deltaNet(config, file, rows);
  const isLinear = linearLayers(config.layer_types, layers, file, (layer) => (layer + 1) % interval !== 0);
  return decoderConfig(config, file, {
    modelType,
    normEpsilon: 1e-6,
    ropeTheta: 10_000,
    rotaryShare: rotaryShare(config, file, 0.25),
    norm: { weight: 'lessOne' },
    attention: {
      queryKeyNorm: 'head',
      bias: { qkv: bias, output: bias },
      gate: { kind: 'sigmoid', per: 'number', placed: 'withQueries' },
    },
    layer: (index, attention) => ({ mixer: isLinear(index) ? delta : attention, mlp: mlpOf(index) }),
  });
}

function deltaNet(config: QwenDelta, file: string, rows: DeltaNetConfig['rows']): DeltaNetConfig {
  const { linear_num_value_heads: heads, linear_num_key_heads: keyHeads } = config;
  if (heads % keyHeads !== 0) {
    const expected = 'linear_num_value_heads to be a multiple of linear_num_key_heads';
    throw configError(file, expected, `${heads} and ${keyHeads}`);
  }
  if (config.linear_conv_kernel_dim < 2)
    throw configError(file, 'linear_conv_kernel_dim of at least 2', String(config.linear_conv_kernel_dim));
  return {
    kind: 'deltaNet',
    heads,
    keyHeads,
    keyDim: config.linear_key_head_dim,
    valueDim: config.linear_value_head_dim,
    taps: config.linear_conv_kernel_dim,
    rows,
  };
}
