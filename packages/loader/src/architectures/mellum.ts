// Mellum 2 (JetBrains; transformers models/mellum): Qwen3-MoE with windows in the layers that `layer_types` names, and a rotation
// for each type of layer.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, width } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { attentionBias, decoderConfig } from './llama.js';
import { topKSoftmax } from './qwen.js';
import { qwen3Names } from './qwen3-moe.js';
import { denseByTypes, denseOr, mlpTypes } from './sigmoid-moe.js';

export const mellum = defineArchitecture({
  modelTypes: ['mellum'],
  names: qwen3Names,
  fields: {
    ...commonFields,
    head_dim: v.nullish(width, 128),
    sliding_window: v.optional(commonFields.sliding_window, 1024),
    intermediate_size: width,
    moe_intermediate_size: width,
    norm_topk_prob: flag(true),
    attention_bias: flag(false),
    layer_types: slidingTypes,
    mlp_layer_types: mlpTypes,
  },
  typedRotations: {
    full_attention: { rope_theta: 500_000 },
    sliding_attention: { rope_theta: 10_000 },
  },
  decoder: (config, file) => {
    const slides = slidingLayers(config.layer_types, config.num_hidden_layers, file, () => false);
    const windowOf = windowsOf(slides, config.sliding_window, config.num_hidden_layers, file);
    const experts = {
      intermediateSize: config.moe_intermediate_size,
      activation: config.hidden_act,
      bias: false,
    };
    const mlpOf = denseOr(
      config,
      {
        kind: 'moe',
        route: topKSoftmax(config),
        ...experts,
        routerBias: false,
        correctionBias: false,
        shared: null,
      },
      denseByTypes(config.mlp_layer_types, config, file, 0),
    );
    return decoderConfig(config, file, {
      modelType: 'mellum',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: {
        queryKeyNorm: 'head',
        bias: attentionBias(config),
      },
      layer: (index) => ({
        window: windowOf(index),
        mlp: mlpOf(index),
      }),
    });
  },
});
