// Qwen3-Next (Qwen; transformers models/qwen3_next): gated delta nets whose input rows lie in groups, one for each key head.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { flag, width } from '../config/config.js';
import { gatedShared, sparseFields, sparseLayer, topKSoftmax } from './qwen.js';
import { qwenDeltaDecoder, qwenDeltaFields, qwenDeltaNames } from './qwen-delta.js';

export const qwen3Next = defineArchitecture({
  modelTypes: ['qwen3_next'],
  names: qwenDeltaNames,
  fields: {
    ...sparseFields,
    ...qwenDeltaFields,
    intermediate_size: v.nullish(width, 5632),
    norm_topk_prob: flag(true),
  },
  decoder: (config, file) =>
    qwenDeltaDecoder(config, file, {
      modelType: 'qwen3_next',
      rows: 'grouped',
      mlpOf: (index) =>
        sparseLayer(config, index, { route: topKSoftmax(config), shared: gatedShared(config) }),
    }),
});
