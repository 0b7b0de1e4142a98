// Qwen3-Next (Qwen; transformers models/qwen3_next): gated delta nets whose input rows lie in groups, one for each key head.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { flag, width } from '../config/config.js';
import { rotaryShare } from '../config/rotary-share.js';
import { decoderConfig } from './llama.js';
import { sparseFields, sparseLayer, topKSoftmax } from './qwen.js';
import { deltaLayers, gatedAttention, gatedShared, qwenDeltaFields, qwenDeltaNames } from './qwen-delta.js';

export const qwen3Next = defineArchitecture({
  modelTypes: ['qwen3_next'],
  names: qwenDeltaNames,
  fields: {
    ...sparseFields,
    ...qwenDeltaFields,
    intermediate_size: v.nullish(width, 5632),
    norm_topk_prob: flag(true),
  },
  decoder: (config, file) => {
    const mixerOf = deltaLayers(config, file, 'grouped');
    return decoderConfig(config, file, {
      modelType: 'qwen3_next',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      rotaryShare: rotaryShare(config, file, 0.25),
      norm: { weight: 'lessOne' },
      attention: gatedAttention(config),
      layer: (index, attention) => ({
        mixer: mixerOf(index) ?? attention,
        mlp: sparseLayer(config, index, { route: topKSoftmax(config), shared: gatedShared(config) }),
      }),
    });
  },
});
