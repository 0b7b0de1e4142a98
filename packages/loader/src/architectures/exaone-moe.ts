// K-EXAONE (LG AI Research; transformers models/exaone_moe): windows with a rotation, and layers over all tokens without one;
// RMS norms over each head of queries and keys; experts as DeepSeek-V3.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, factor, width } from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { decoderConfig, llamaNames, queryKeyNormNames } from './llama.js';
import {
  denseByTypes,
  denseOr,
  firstDense,
  mlpTypes,
  sharedCount,
  sigmoidMoe,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

export const exaoneMoe = defineArchitecture({
  modelTypes: ['exaone_moe'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    ...sigmoidMoeNames,
    correctionBias: ['model.layers.{layer}.mlp.e_score_correction_bias'],
  },
  fields: {
    ...commonFields,
    ...sigmoidMoeFields,
    intermediate_size: width,
    routed_scaling_factor: v.nullish(factor, 2.5),
    num_shared_experts: sharedCount,
    first_k_dense_replace: firstDense(1),
    mlp_layer_types: mlpTypes,
    /** Every so many layers one sees all tokens; letters where `layer_types` spells them out. */
    sliding_window_pattern: v.nullish(v.union([v.string(), v.literal(0), count(1024)])),
    layer_types: slidingTypes,
  },
  decoder: (config, file) => {
    const { layer_types: types, num_hidden_layers: layers, sliding_window_pattern: pattern } = config;
    const period = pattern ?? 4;
    if (types == null && (typeof period === 'string' || period === 0))
      throw configError(file, 'layer_types, or a number as sliding_window_pattern', String(pattern));
    const slides = slidingLayers(types, layers, file, (index) => (index + 1) % Number(period) !== 0);
    const window = config.sliding_window === undefined ? 4096 : config.sliding_window || null;
    const moe = sigmoidMoe(config, file, config.num_shared_experts ?? 1);
    const isDense = denseByTypes(config.mlp_layer_types, config, file, config.first_k_dense_replace);
    const mlpOf = denseOr(config, moe, isDense);
    return decoderConfig(config, file, {
      modelType: 'exaone_moe',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      attention: { queryKeyNorm: 'head' },
      layer: (index, attention) => ({
        ...(window !== null && !slides(index)
          ? { mixer: { ...attention, rope: null } }
          : { window: slides(index) ? window : null }),
        mlp: mlpOf(index),
      }),
    });
  },
});
