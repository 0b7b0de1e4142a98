// Qwen3.5-MoE (Qwen; transformers models/qwen3_5_moe): Qwen3-Next with input projections apart, experts in every layer. On the
// hub it is the language model of a composite with a vision tower. With text alone the three positions of a token are one.
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { gatedShared, topKSoftmax } from './qwen.js';
import { qwenDeltaDecoder, qwenDeltaFields, qwenDeltaNames } from './qwen-delta.js';

/** The language model by itself. */
export const qwen35MoeText = defineArchitecture({
  modelTypes: ['qwen3_5_moe_text'],
  names: qwenDeltaNames,
  fields: qwenDeltaFields,
  decoder: (config, file) =>
    qwenDeltaDecoder(config, file, {
      modelType: 'qwen3_5_moe_text',
      rows: 'apart',
      mlpOf: () => ({
        kind: 'moe',
        route: topKSoftmax({ ...config, norm_topk_prob: true }),
        intermediateSize: config.moe_intermediate_size,
        activation: config.hidden_act,
        bias: false,
        routerBias: false,
        correctionBias: false,
        shared: gatedShared(config),
      }),
    }),
});

export const qwen35Moe = composite(qwen35MoeText, {
  modelTypes: ['qwen3_5_moe'],
  path: ['text_config'],
  prefix: 'model.language_model.',
});
