// FlexOlmo (https://arxiv.org/abs/2507.07024; transformers models/flex_olmo): OLMoE with norms behind attention and experts
// instead of before them.
import { sequentialLayer } from '@moeq/runtime';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, width } from '../config/config.js';
import {
  attentionBias,
  biasNames,
  decoderConfig,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { topKSoftmax } from './qwen.js';

const { mixerNorm: _, mlpNorm: postAttention, ...names } = llamaNames;

export const flexOlmo = defineArchitecture({
  modelTypes: ['flex_olmo'],
  names: {
    ...names,
    ...biasNames,
    ...queryKeyNormNames,
    ...mlpExpertNames,
    mixerPostNorm: postAttention,
    mlpPostNorm: ['model.layers.{layer}.post_feedforward_layernorm.weight'],
  },
  fields: {
    ...commonFields,
    intermediate_size: width,
    norm_topk_prob: flag(false),
    attention_bias: flag(false),
  },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'flex_olmo',
      normEpsilon: 1e-6,
      ropeTheta: 500_000,
      assemble: (parts) => sequentialLayer({ ...parts, placed: 'after' }),
      attention: {
        queryKeyNorm: 'all',
        bias: attentionBias(config),
      },
      layer: () => ({
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
