// What the Qwens with gated delta nets share (transformers models/qwen3_next and qwen3_5_moe): delta nets in all layers but
// every fourth, there attention with gates behind its queries; norms that are stored less one; a shared expert with a gate.
import type { DeltaNetConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { type CommonConfig, commonFields, configError, count, flag, width } from '../config/config.js';
import { rotaryShareFields } from '../config/rotary-share.js';
import {
  biasNames,
  type Differences,
  denseNames,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';

/** Inputs that an output of a convolution is made of, far above any. */
const mostTaps = 1024;
const mostHeads = 4096;

const shared = 'model.layers.{layer}.mlp.shared_expert';
const net = 'model.layers.{layer}.linear_attn';

export const qwenDeltaNames = {
  ...llamaNames,
  ...biasNames,
  ...queryKeyNormNames,
  ...denseNames,
  ...mlpExpertNames,
  sharedGate: [`${shared}.gate_proj.weight`],
  sharedUp: [`${shared}.up_proj.weight`],
  sharedDown: [`${shared}.down_proj.weight`],
  sharedOutputGate: [`${shared}_gate.weight`],
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
  linear_conv_kernel_dim: v.nullish(count(mostTaps), 4),
  linear_key_head_dim: v.nullish(width, 128),
  linear_value_head_dim: v.nullish(width, 128),
  linear_num_key_heads: v.nullish(count(mostHeads), 16),
  linear_num_value_heads: v.nullish(count(mostHeads), 32),
  /** Every so many layers one has attention, where there are no `layer_types`. */
  full_attention_interval: v.nullish(count(mostHeads), 4),
  layer_types: v.nullish(v.array(v.picklist(['linear_attention', 'full_attention']))),
};

type QwenDelta = v.InferOutput<v.ObjectSchema<typeof qwenDeltaFields, undefined>>;

/** Attention of the layers that have it. */
export function gatedAttention({ attention_bias: bias }: QwenDelta): NonNullable<Differences['attention']> {
  return {
    queryKeyNorm: 'head',
    bias: { qkv: bias, output: bias },
    gate: { kind: 'sigmoid', per: 'number', placed: 'withQueries' },
  };
}

/**
 * The delta net of a layer; null: it has attention.
 * @throws MoeqError for sizes or types of layers that do not fit one another
 */
export function deltaLayers(
  config: QwenDelta,
  file: string,
  rows: DeltaNetConfig['rows'],
): (layer: number) => DeltaNetConfig | null {
  const { linear_num_value_heads: heads, linear_num_key_heads: keyHeads, layer_types: types } = config;
  if (heads % keyHeads !== 0) {
    const expected = 'linear_num_value_heads to be a multiple of linear_num_key_heads';
    throw configError(file, expected, `${heads} and ${keyHeads}`);
  }
  if (config.linear_conv_kernel_dim < 2)
    throw configError(file, 'linear_conv_kernel_dim of at least 2', String(config.linear_conv_kernel_dim));
  if (types != null && types.length !== config.num_hidden_layers)
    throw configError(file, `layer_types of ${config.num_hidden_layers} layers`, String(types.length));
  const mixer: DeltaNetConfig = {
    kind: 'deltaNet',
    heads,
    keyHeads,
    keyDim: config.linear_key_head_dim,
    valueDim: config.linear_value_head_dim,
    taps: config.linear_conv_kernel_dim,
    rows,
  };
  const isLinear = (layer: number): boolean =>
    types == null ? (layer + 1) % config.full_attention_interval !== 0 : types[layer] === 'linear_attention';
  return (layer) => (isLinear(layer) ? mixer : null);
}

/** Beside the routed experts of a layer. */
export function gatedShared(
  config: CommonConfig & Pick<QwenDelta, 'shared_expert_intermediate_size'>,
): MoeConfig['shared'] {
  return {
    intermediateSize: config.shared_expert_intermediate_size,
    activation: config.hidden_act,
    bias: false,
    outputGate: true,
  };
}
