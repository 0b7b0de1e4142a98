// Qwen1.5/2-MoE (transformers models/qwen2_moe): biases on q, k and v, and beside the routed experts one shared expert
// whose output each token weighs by sigmoid(x · shared_expert_gate). Layers can be dense.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, layerNumber, width } from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { biasNames, decoderConfig, denseNames, llamaNames, mlpExpertNames } from './llama.js';
import { gatedShared, gatedSharedNames, sparseFields, sparseLayer, topKSoftmax } from './qwen.js';

export const qwen2Moe = defineArchitecture({
  modelTypes: ['qwen2_moe'],
  names: {
    ...llamaNames,
    queryBias: biasNames.queryBias,
    keyBias: biasNames.keyBias,
    valueBias: biasNames.valueBias,
    ...denseNames,
    ...mlpExpertNames,
    ...gatedSharedNames,
  },
  fields: {
    ...commonFields,
    ...sparseFields,
    shared_expert_intermediate_size: width,
    qkv_bias: flag(true),
    max_window_layers: v.nullish(layerNumber),
    layer_types: slidingTypes,
  },
  decoder: (config, file) => {
    const slides = slidingLayers(
      config.layer_types,
      config.num_hidden_layers,
      file,
      (layer) => layer % 2 === 0 && layer < (config.max_window_layers ?? 28),
    );
    return decoderConfig(config, file, {
      modelType: 'qwen2_moe',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { bias: { qkv: config.qkv_bias, output: false } },
      layer: (index) => ({
        window: config.use_sliding_window && slides(index) ? config.sliding_window || null : null,
        mlp: sparseLayer(config, index, { route: topKSoftmax(config), shared: gatedShared(config) }),
      }),
    });
  },
});
