// dots.llm1 (Xiaohongshu, https://arxiv.org/abs/2506.05767; transformers models/dots1): RMS norms over each head of queries and
// keys, windows from some layer on; experts as DeepSeek-V3.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, layerNumber, width } from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { attentionBias, biasNames, decoderConfig, llamaNames, queryKeyNormNames } from './llama.js';
import {
  denseOr,
  firstDense,
  sharedCount,
  sigmoidMoe,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

export const dots1 = defineArchitecture({
  modelTypes: ['dots1'],
  names: { ...llamaNames, ...biasNames, ...queryKeyNormNames, ...sigmoidMoeNames },
  fields: {
    ...commonFields,
    ...sigmoidMoeFields,
    intermediate_size: width,
    norm_topk_prob: flag(false),
    n_shared_experts: sharedCount,
    first_k_dense_replace: firstDense(0),
    attention_bias: flag(false),
    max_window_layers: v.nullish(layerNumber, 62),
    layer_types: slidingTypes,
  },
  decoder: (config, file) => {
    const { layer_types: types, num_hidden_layers: layers, max_window_layers: first } = config;
    const window = config.sliding_window === undefined ? 4096 : config.sliding_window || null;
    const slides = slidingLayers(types, layers, file, (index) => index >= first);
    const moe = sigmoidMoe(config, file, config.n_shared_experts ?? 0);
    const mlpOf = denseOr(config, moe, (layer) => layer < config.first_k_dense_replace);
    return decoderConfig(config, file, {
      modelType: 'dots1',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: {
        queryKeyNorm: 'head',
        bias: attentionBias(config),
      },
      layer: (index) => ({ window: slides(index) ? window : null, mlp: mlpOf(index) }),
    });
  },
});
