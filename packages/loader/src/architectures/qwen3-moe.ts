// Qwen3-MoE (https://arxiv.org/abs/2505.09388; transformers models/qwen3_moe): RMS norms over each head of queries and
// keys, a head dimension of its own, no shared expert. Layers can be dense.
import type { DecoderConfig } from '@moeq/runtime';
import type * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag } from '../config/config.js';
import {
  attentionBias,
  biasNames,
  decoderConfig,
  denseNames,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { sparseFields, sparseLayer, topKSoftmax } from './qwen.js';

export const qwen3Names = {
  ...llamaNames,
  ...biasNames,
  ...queryKeyNormNames,
  ...denseNames,
  ...mlpExpertNames,
};

export const qwen3Fields = { ...commonFields, ...sparseFields, attention_bias: flag(false) };

/** @param ropeTheta where the file has none */
export function qwen3Decoder(
  config: v.InferOutput<v.ObjectSchema<typeof qwen3Fields, undefined>>,
  file: string,
  modelType: string,
  ropeTheta: number,
): DecoderConfig {
  return decoderConfig(config, file, {
    modelType,
    normEpsilon: 1e-6,
    ropeTheta,
    attention: {
      queryKeyNorm: 'head',
      bias: attentionBias(config),
    },
    layer: (index) => ({
      window: config.use_sliding_window ? config.sliding_window || null : null,
      mlp: sparseLayer(config, index, { route: topKSoftmax(config), shared: null }),
    }),
  });
}

export const qwen3Moe = defineArchitecture({
  modelTypes: ['qwen3_moe'],
  names: qwen3Names,
  fields: qwen3Fields,
  decoder: (config, file) => qwen3Decoder(config, file, 'qwen3_moe', 10_000),
});
