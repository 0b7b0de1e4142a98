// What the models with latent attention in DeepSeek's manner share: names, fields, and the decoder that they make. DeepSeek-V2,
// https://arxiv.org/abs/2405.04434; transformers models/deepseek_v2 and deepseek_v3.
import type { DecoderConfig, LatentConfig, MoeConfig, RopeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { commonFields, configError, flag, layerNumber, width } from '../config/config.js';
import { decoderConfig, type Differences as LlamaDifferences, llamaNames } from './llama.js';
import {
  denseByTypes,
  denseOr,
  mlpTypes,
  sharedCount,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

const selfAttention = 'model.layers.{layer}.self_attn';
const { query: _, key: __, value: ___, output, ...others } = llamaNames;

export const deepseekNames = {
  ...others,
  latentQuery: [`${selfAttention}.q_proj.weight`],
  queryDown: [`${selfAttention}.q_a_proj.weight`],
  queryDownBias: [`${selfAttention}.q_a_proj.bias`],
  queryDownNorm: [`${selfAttention}.q_a_layernorm.weight`],
  queryUp: [`${selfAttention}.q_b_proj.weight`],
  latentDown: [`${selfAttention}.kv_a_proj_with_mqa.weight`],
  latentDownBias: [`${selfAttention}.kv_a_proj_with_mqa.bias`],
  latentNorm: [`${selfAttention}.kv_a_layernorm.weight`],
  latentUp: [`${selfAttention}.kv_b_proj.weight`],
  latentOutput: output,
  latentOutputBias: [`${selfAttention}.o_proj.bias`],
  ...sigmoidMoeNames,
} as const satisfies TensorNames;

export const deepseekFields = {
  ...commonFields,
  ...sigmoidMoeFields,
  intermediate_size: width,
  n_shared_experts: sharedCount,
  first_k_dense_replace: v.nullish(layerNumber),
  mlp_layer_types: mlpTypes,
  moe_layer_freq: v.nullish(v.literal(1)),
  q_lora_rank: v.nullable(width),
  kv_lora_rank: width,
  qk_nope_head_dim: width,
  qk_rope_head_dim: width,
  v_head_dim: width,
  attention_bias: flag(false),
};

export type DeepseekConfig = v.InferOutput<v.ObjectSchema<typeof deepseekFields, undefined>>;

/** What an architecture changes of the common configuration. */
interface Differences {
  readonly modelType: string;
  /** Where config.json gives none. */
  readonly normEpsilon: number;
  readonly ropeStyle: 'halves' | 'interleaved';
  readonly moe: MoeConfig;
  /** Dense layers where config.json does not say. */
  readonly denseLayers: number;
  /** Makes a layer of its parts, where it is not a mixer and an MLP with a norm before each. */
  readonly assemble?: LlamaDifferences['assemble'];
}

/** @throws MoeqError for an odd number of dimensions that turn */
export function latentMixer(config: DeepseekConfig, file: string, rope: RopeConfig | null): LatentConfig {
  const { qk_nope_head_dim: nopeDim, qk_rope_head_dim: ropeDim } = config;
  if (ropeDim % 2 !== 0) throw configError(file, 'an even qk_rope_head_dim', String(ropeDim));
  return {
    kind: 'latent',
    heads: config.num_attention_heads,
    queryLatentDim: config.q_lora_rank,
    nopeDim,
    ropeDim,
    latentDim: config.kv_lora_rank,
    valueDim: config.v_head_dim,
    scale: (nopeDim + ropeDim) ** -0.5,
    rope,
    // the default of the class, whatever rms_norm_eps says
    normEpsilon: 1e-6,
    bias: config.attention_bias,
  };
}

/** @throws MoeqError when sizes do not fit one another */
export function deepseekDecoder(
  config: DeepseekConfig,
  file: string,
  { modelType, normEpsilon, ropeStyle: style, moe, denseLayers, assemble }: Differences,
): DecoderConfig {
  const ropeTheta = 10_000;
  const { qk_rope_head_dim: ropeDim } = config;
  const mixer = latentMixer(config, file, { theta: ropeTheta, rotatedDim: ropeDim, style });
  const dense = config.first_k_dense_replace ?? denseLayers;
  const mlpOf = denseOr(config, moe, denseByTypes(config.mlp_layer_types, config, file, dense));
  // heads are described by the fields of latent attention alone
  const ofHeads = { head_dim: ropeDim, num_key_value_heads: null };
  return decoderConfig({ ...config, ...ofHeads }, file, {
    ...{ modelType, normEpsilon, ropeTheta },
    ...(assemble !== undefined && { assemble }),
    layer: (index) => ({ mixer, mlp: mlpOf(index) }),
  });
}
