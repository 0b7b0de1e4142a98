// Kimi Linear (Moonshot AI, arXiv 2510.26692; transformers models/kimi_linear): Kimi Delta Attention in most layers, latent
// attention without positions in the others; experts of DeepSeek-V3's kind under Mixtral's names.
import type { KimiDeltaConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture, type TensorNames } from '../config/architecture.js';
import { commonFields, configError, count, factor, maxContext, tapCount, width } from '../config/config.js';
import { linearLayers, linearTypes } from '../config/layer-types.js';
import { deepseekFields, deepseekNames, latentMixer } from './deepseek.js';
import { decoderConfig } from './llama.js';
import { denseByTypes, denseOr, sigmoidMoe } from './sigmoid-moe.js';

const layer = 'model.layers.{layer}';
const mixer = `${layer}.self_attn`;
const mlp = `${layer}.block_sparse_moe`;

/** The same names of queries and outputs as in latent attention: a layer has one of both mixers. */
const deltaNames = {
  kimiQuery: [`${mixer}.q_proj.weight`],
  kimiKey: [`${mixer}.k_proj.weight`],
  kimiValue: [`${mixer}.v_proj.weight`],
  kimiBeta: [`${mixer}.b_proj.weight`],
  kimiQueryTaps: [`${mixer}.q_conv1d.weight`],
  kimiKeyTaps: [`${mixer}.k_conv1d.weight`],
  kimiValueTaps: [`${mixer}.v_conv1d.weight`],
  kimiDecayDown: [`${mixer}.f_a_proj.weight`],
  kimiDecayUp: [`${mixer}.f_b_proj.weight`],
  kimiDecayLog: [`${mixer}.A_log`],
  kimiDecayBias: [`${mixer}.dt_bias`],
  kimiGateDown: [`${mixer}.g_a_proj.weight`],
  kimiGateUp: [`${mixer}.g_b_proj.weight`],
  kimiNorm: [`${mixer}.o_norm.weight`],
  kimiOutput: [`${mixer}.o_proj.weight`],
} as const satisfies TensorNames;

/** Numbers of layers, from 1. */
const layerNumbers = v.array(count(1024), 'a list of numbers of layers, from 1');

const fields = {
  ...deepseekFields,
  max_position_embeddings: v.nullish(count(maxContext), 1 << 20),
  q_lora_rank: v.nullish(width, null),
  routed_scaling_factor: v.nullish(factor, 2.446),
  hidden_act: v.nullish(v.literal('silu', 'silu'), 'silu'),
  mla_use_nope: v.nullish(v.literal(true, 'true')),
  moe_router_activation_func: v.nullish(v.literal('sigmoid', 'sigmoid')),
  layer_types: linearTypes,
  linear_num_heads: v.nullish(commonFields.num_attention_heads, 32),
  linear_head_dim: v.nullish(width, 128),
  linear_conv_kernel_dim: v.nullish(tapCount, 4),
  /** As the hub has it; its sizes win over the fields above, `layer_types` over its lists. */
  linear_attn_config: v.nullish(
    v.object({
      num_heads: v.nullish(commonFields.num_attention_heads),
      head_dim: v.nullish(width),
      short_conv_kernel_size: v.nullish(tapCount),
      kda_layers: v.nullish(layerNumbers),
      full_attn_layers: v.nullish(layerNumbers),
    }),
  ),
};

type KimiLinear = v.InferOutput<v.ObjectSchema<typeof fields, undefined>>;

export const kimiLinear = defineArchitecture({
  modelTypes: ['kimi_linear'],
  names: {
    ...deepseekNames,
    ...deltaNames,
    router: [`${mlp}.gate.weight`],
    correctionBias: [`${mlp}.gate.e_score_correction_bias`],
    expertGate: [`${mlp}.experts.{expert}.w1.weight`],
    expertUp: [`${mlp}.experts.{expert}.w3.weight`],
    expertGateUp: [`${mlp}.experts.gate_up_proj`],
    expertDown: [`${mlp}.experts.{expert}.w2.weight`, `${mlp}.experts.down_proj`],
    sharedGate: [`${mlp}.shared_experts.gate_proj.weight`],
    sharedUp: [`${mlp}.shared_experts.up_proj.weight`],
    sharedDown: [`${mlp}.shared_experts.down_proj.weight`],
  },
  aliases: [
    ['model_max_length', 'max_position_embeddings'],
    ['moe_renormalize', 'norm_topk_prob'],
    ['num_expert_group', 'n_group'],
    ['num_experts_per_token', 'num_experts_per_tok'],
    ['num_shared_experts', 'n_shared_experts'],
  ],
  fields,
  decoder(config, file) {
    const hasDelta = deltaLayers(config, file);
    const delta = deltaMixer(config, file);
    const common = { ...config, hidden_act: { kind: 'silu', gated: true } as const };
    const latent = latentMixer(common, file, null);
    const isDense = denseByTypes(config.mlp_layer_types, common, file, config.first_k_dense_replace ?? 1);
    const mlpOf = denseOr(common, sigmoidMoe(common, file, config.n_shared_experts ?? 1), isDense);
    const ofHeads = { head_dim: latent.ropeDim, num_key_value_heads: null };
    return decoderConfig({ ...common, ...ofHeads }, file, {
      modelType: 'kimi_linear',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      layer: (index) => ({ mixer: hasDelta(index) ? delta : latent, mlp: mlpOf(index) }),
    });
  },
});

function deltaMixer({ linear_attn_config: own, ...config }: KimiLinear, file: string): KimiDeltaConfig {
  const taps = own?.short_conv_kernel_size ?? config.linear_conv_kernel_dim;
  const field =
    own?.short_conv_kernel_size == null
      ? 'linear_conv_kernel_dim'
      : 'linear_attn_config.short_conv_kernel_size';
  if (taps < 2) throw configError(file, `${field} of at least 2`, String(taps));
  return {
    kind: 'kimiDelta',
    heads: own?.num_heads ?? config.linear_num_heads,
    headDim: own?.head_dim ?? config.linear_head_dim,
    taps,
  };
}

/**
 * Which layers have Kimi Delta Attention: by `layer_types`, by lists of layers, or all but every fourth behind the first.
 * @throws MoeqError for lists that do not name each layer once
 */
function deltaLayers(
  { layer_types: types, num_hidden_layers: layers, linear_attn_config: own }: KimiLinear,
  file: string,
): (layer: number) => boolean {
  if (types != null || own?.kda_layers == null || own.full_attn_layers == null)
    return linearLayers(types, layers, file, (index) => index === 0 || index % 4 !== 0);
  const named = [...own.kda_layers, ...own.full_attn_layers];
  const isEach = named.length === layers && new Set(named).size === layers && Math.max(...named) === layers;
  if (!isEach)
    throw configError(
      file,
      `linear_attn_config to name each of the layers 1 to ${layers} once`,
      `${named.length} names of ${new Set(named).size} layers`,
    );
  const delta = new Set(own.kda_layers);
  return (index) => delta.has(index + 1);
}
