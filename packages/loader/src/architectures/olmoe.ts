// OLMoE (https://arxiv.org/abs/2409.02060; transformers models/olmoe): RMS norms over the full width of queries and keys,
// then an optional clamp of queries, keys and values.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, positive, width } from '../config/config.js';
import {
  attentionBias,
  biasNames,
  decoderConfig,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { topKSoftmax } from './qwen.js';

export const olmoe = defineArchitecture({
  modelTypes: ['olmoe'],
  names: { ...llamaNames, ...biasNames, ...queryKeyNormNames, ...mlpExpertNames },
  fields: {
    ...commonFields,
    intermediate_size: width,
    norm_topk_prob: flag(false),
    attention_bias: flag(false),
    clip_qkv: v.nullish(positive),
  },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'olmoe',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      attention: {
        queryKeyNorm: 'all',
        bias: attentionBias(config),
        clip: config.clip_qkv ?? null,
      },
      layer: () => ({
        window: null,
        mlp: {
          kind: 'moe',
          route: topKSoftmax(config),
          intermediateSize: config.intermediate_size,
          activation: config.hidden_act,
          bias: false,
          routerBias: false,
          correctionBias: false,
          shared: null,
        },
      }),
    }),
});
