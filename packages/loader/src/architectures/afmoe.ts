// Trinity (Arcee AI; transformers models/afmoe): windows with a rotation, and layers over all tokens without one; gates on what
// heads give; norms before and after attention and MLP; experts as DeepSeek-V3.
import { sequentialLayer } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, count, factor, flag, layerNumber, width } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { decoderConfig, llamaNames, queryKeyNormNames } from './llama.js';
import { denseOr, sharedCount, sigmoidMoe, sigmoidMoeNames } from './sigmoid-moe.js';

const layer = 'model.layers.{layer}';

export const afmoe = defineArchitecture({
  modelTypes: ['afmoe'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    attentionGate: [`${layer}.self_attn.gate_proj.weight`],
    ...sigmoidMoeNames,
    router: [`${layer}.mlp.router.gate.weight`],
    correctionBias: [`${layer}.mlp.expert_bias`],
    mixerPostNorm: [`${layer}.post_attention_layernorm.weight`],
    mlpNorm: [`${layer}.pre_mlp_layernorm.weight`],
    mlpPostNorm: [`${layer}.post_mlp_layernorm.weight`],
  },
  fields: {
    ...commonFields,
    head_dim: v.nullish(width, 128),
    sliding_window: v.optional(commonFields.sliding_window, 1024),
    intermediate_size: width,
    moe_intermediate_size: width,
    num_dense_layers: v.nullish(layerNumber, 1),
    num_shared_experts: sharedCount,
    route_scale: factor,
    route_norm: v.nullish(v.literal(true, 'true')),
    score_func: v.nullish(v.literal('sigmoid')),
    n_group: v.nullish(v.literal(1)),
    topk_group: v.nullish(v.literal(1)),
    attention_bias: v.nullish(v.literal(false, 'false')),
    mup_enabled: flag(false),
    layer_types: slidingTypes,
    global_attn_every_n_layers: v.nullish(count(1024), 4),
  },
  decoder: (config, file) => {
    const { global_attn_every_n_layers: period, route_scale: scale, num_hidden_layers: layers } = config;
    const slides = slidingLayers(config.layer_types, layers, file, (index) => (index + 1) % period !== 0);
    const windowOf = windowsOf(slides, config.sliding_window, config.num_hidden_layers, file);
    const routing = { n_group: 1, topk_group: 1, norm_topk_prob: true, routed_scaling_factor: scale };
    const moe = sigmoidMoe({ ...config, ...routing }, file, config.num_shared_experts ?? 2);
    const mlpOf = denseOr(config, moe, (index) => index < config.num_dense_layers);
    return decoderConfig(config, file, {
      modelType: 'afmoe',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      embeddingScale: config.mup_enabled ? config.hidden_size ** 0.5 : 1,
      attention: { queryKeyNorm: 'head', gate: { kind: 'sigmoid', per: 'number', placed: 'last' } },
      assemble: (parts) => sequentialLayer({ ...parts, placed: 'both' }),
      layer: (index, attention) => ({
        ...(slides(index) ? { window: windowOf(index) } : { mixer: { ...attention, rope: null } }),
        mlp: mlpOf(index),
      }),
    });
  },
});
