// Qwen3-MoE (https://arxiv.org/abs/2505.09388; transformers models/qwen3_moe): RMS norms over each head of queries and
// keys, a head dimension of its own, no shared expert. Layers can be dense.
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag } from '../config/config.js';
import {
  biasNames,
  decoderConfig,
  denseNames,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { sparseFields, sparseLayer, topKSoftmax } from './qwen.js';

export const qwen3Moe = defineArchitecture({
  modelTypes: ['qwen3_moe'],
  names: { ...llamaNames, ...biasNames, ...queryKeyNormNames, ...denseNames, ...mlpExpertNames },
  fields: { ...commonFields, ...sparseFields, attention_bias: flag(false) },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'qwen3_moe',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: {
        queryKeyNorm: 'head',
        bias: { qkv: config.attention_bias, output: config.attention_bias },
      },
      layer: (index) => ({
        window: config.use_sliding_window ? config.sliding_window || null : null,
        mlp: sparseLayer(config, index, { route: topKSoftmax(config), shared: null }),
      }),
    }),
});
