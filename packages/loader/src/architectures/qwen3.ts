// Qwen3 (https://arxiv.org/abs/2505.09388; transformers models/qwen3): RMS norms over each head of queries and keys, a head
// dimension of its own, perhaps windows in the last layers.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { decoderFields, flag } from '../config/config.js';
import { denseDecoderNames, denseFields, denseMlp, keyHeads, windowFields, windowsOf } from './dense.js';
import { attentionBias, decoderConfig, queryKeyNormNames } from './llama.js';

export const qwen3 = defineArchitecture({
  modelTypes: ['qwen3'],
  names: { ...denseDecoderNames, ...queryKeyNormNames },
  fields: {
    ...denseFields,
    ...windowFields,
    num_key_value_heads: keyHeads(32),
    head_dim: v.optional(decoderFields.head_dim, 128),
    attention_bias: flag(false),
  },
  decoder: (config, file) => {
    const windowOf = windowsOf(config, file);
    return decoderConfig(config, file, {
      modelType: 'qwen3',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { queryKeyNorm: 'head', bias: attentionBias(config) },
      layer: (index) => ({ window: windowOf(index), mlp: denseMlp(config) }),
    });
  },
});
