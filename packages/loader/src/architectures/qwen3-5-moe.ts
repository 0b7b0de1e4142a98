// Qwen3.5-MoE (Qwen; transformers models/qwen3_5_moe): Qwen3-Next with input projections apart, experts in every layer. On the
// hub it is the language model of a composite with a vision tower. With text alone the three positions of a token are one.
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { rotaryShare } from '../config/rotary-share.js';
import { decoderConfig } from './llama.js';
import { topKSoftmax } from './qwen.js';
import { deltaLayers, gatedAttention, gatedShared, qwenDeltaFields, qwenDeltaNames } from './qwen-delta.js';

/** The language model by itself. */
export const qwen35MoeText = defineArchitecture({
  modelTypes: ['qwen3_5_moe_text'],
  names: qwenDeltaNames,
  fields: qwenDeltaFields,
  decoder: (config, file) => {
    const mixerOf = deltaLayers(config, file, 'apart');
    return decoderConfig(config, file, {
      modelType: 'qwen3_5_moe_text',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      rotaryShare: rotaryShare(config, file, 0.25),
      norm: { weight: 'lessOne' },
      attention: gatedAttention(config),
      layer: (index, attention) => ({
        mixer: mixerOf(index) ?? attention,
        mlp: {
          kind: 'moe',
          route: topKSoftmax({ ...config, norm_topk_prob: true }),
          intermediateSize: config.moe_intermediate_size,
          activation: config.hidden_act,
          bias: false,
          routerBias: false,
          correctionBias: false,
          shared: gatedShared(config),
        },
      }),
    });
  },
});

export const qwen35Moe = composite(qwen35MoeText, {
  modelTypes: ['qwen3_5_moe'],
  path: ['text_config'],
  prefix: 'model.language_model.',
});
