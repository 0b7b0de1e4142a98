// LFM2-MoE (Liquid AI, https://arxiv.org/abs/2511.23404; transformers models/lfm2_moe): short convolutions with attention in
// some layers, RMS norms over each head of queries and keys; dense MLPs in the first layers, then sigmoid routing with a bias
// on the choice.
import type { DenseConfig, MoeConfig, ShortConvConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import {
  commonFields,
  configError,
  factor,
  flag,
  layerNumber,
  positive,
  tapCount,
  width,
} from '../config/config.js';
import { assertLayerTypes } from '../config/layer-types.js';
import { decoderConfig, llamaNames } from './llama.js';

const layer = 'model.layers.{layer}';
const mlp = `${layer}.feed_forward`;

export const lfm2Moe = defineArchitecture({
  modelTypes: ['lfm2_moe'],
  names: {
    ...llamaNames,
    finalNorm: ['model.embedding_norm.weight'],
    mixerNorm: [`${layer}.operator_norm.weight`],
    mlpNorm: [`${layer}.ffn_norm.weight`],
    output: [`${layer}.self_attn.out_proj.weight`],
    queryNorm: [`${layer}.self_attn.q_layernorm.weight`],
    keyNorm: [`${layer}.self_attn.k_layernorm.weight`],
    convInput: [`${layer}.conv.in_proj.weight`],
    convTaps: [`${layer}.conv.conv.weight`],
    convOutput: [`${layer}.conv.out_proj.weight`],
    denseGate: [`${mlp}.w1.weight`],
    denseUp: [`${mlp}.w3.weight`],
    denseDown: [`${mlp}.w2.weight`],
    router: [`${mlp}.gate.weight`],
    correctionBias: [`${mlp}.expert_bias`],
    expertGate: [`${mlp}.experts.{expert}.w1.weight`],
    expertUp: [`${mlp}.experts.{expert}.w3.weight`],
    expertGateUp: [`${mlp}.experts.gate_up_proj`],
    expertDown: [`${mlp}.experts.{expert}.w2.weight`, `${mlp}.experts.down_proj`],
  },
  fields: {
    ...commonFields,
    num_key_value_heads: v.nullish(commonFields.num_attention_heads, 8),
    tie_word_embeddings: flag(true),
    /** Wins where it is there. */
    tie_embedding: v.nullish(v.boolean('true or false')),
    norm_eps: v.nullish(positive, 1e-5),
    intermediate_size: width,
    moe_intermediate_size: width,
    num_dense_layers: v.nullish(layerNumber, 2),
    use_expert_bias: flag(true),
    norm_topk_prob: flag(true),
    routed_scaling_factor: factor,
    layer_types: v.array(v.picklist(['conv', 'full_attention'])),
    conv_L_cache: v.nullish(tapCount, 3),
    conv_bias: v.nullish(v.literal(false, 'false')),
  },
  decoder: (config, file) => {
    const types = config.layer_types;
    assertLayerTypes(types, config.num_hidden_layers, file);
    if (config.conv_L_cache < 2) throw configError(file, 'conv_L_cache of at least 2', '1');
    const activation = { kind: 'silu', gated: true } as const;
    const conv: ShortConvConfig = {
      kind: 'shortConv',
      channels: config.hidden_size,
      taps: config.conv_L_cache,
    };
    const dense: DenseConfig = {
      kind: 'dense',
      intermediateSize: config.intermediate_size,
      activation,
      bias: false,
    };
    const moe: MoeConfig = {
      kind: 'moe',
      route: {
        experts: config.num_local_experts,
        expertsPerToken: config.num_experts_per_tok,
        score: 'sigmoid',
        normalizeTopK: config.norm_topk_prob,
        normalizeEpsilon: 1e-6,
        scalingFactor: config.routed_scaling_factor,
      },
      intermediateSize: config.moe_intermediate_size,
      activation,
      bias: false,
      routerBias: false,
      correctionBias: config.use_expert_bias,
      shared: null,
    };
    const common = {
      ...config,
      rms_norm_eps: config.norm_eps,
      tie_word_embeddings: config.tie_embedding ?? config.tie_word_embeddings,
    };
    return decoderConfig(common, file, {
      modelType: 'lfm2_moe',
      normEpsilon: 1e-5,
      ropeTheta: 1e6,
      attention: { queryKeyNorm: 'head' },
      layer: (index) => ({
        ...(types[index] === 'conv' && { mixer: conv }),
        mlp: index < config.num_dense_layers ? dense : moe,
      }),
    });
  },
});
