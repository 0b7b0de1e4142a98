// Mistral (https://arxiv.org/abs/2310.06825; transformers models/mistral): Llama without biases, perhaps with one window in all
// layers.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { configError, decoderFields } from '../config/config.js';
import { slidingTypes } from '../config/layer-types.js';
import { denseDecoderNames, denseFields, denseMlp, keyHeads } from './dense.js';
import { decoderConfig } from './llama.js';

export const mistral = defineArchitecture({
  modelTypes: ['mistral'],
  names: denseDecoderNames,
  fields: {
    ...denseFields,
    num_key_value_heads: keyHeads(8),
    sliding_window: v.optional(decoderFields.sliding_window, 4096),
    layer_types: slidingTypes,
  },
  decoder: (config, file) => {
    const window = config.sliding_window || null;
    const type = window === null ? 'full_attention' : 'sliding_attention';
    const other = config.layer_types?.find((each) => each !== type);
    if (other !== undefined) throw configError(file, `layer_types to be ${type} in all layers`, other);
    return decoderConfig(config, file, {
      modelType: 'mistral',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      layer: () => ({ window, mlp: denseMlp(config) }),
    });
  },
});
