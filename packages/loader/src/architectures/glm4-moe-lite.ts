// GLM-4.7-Flash (transformers models/glm4_moe_lite): latent attention and experts as DeepSeek-V3.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { flag } from '../config/config.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { sigmoidMoe } from './sigmoid-moe.js';

export const glm4MoeLite = defineArchitecture({
  modelTypes: ['glm4_moe_lite'],
  names: deepseekNames,
  fields: {
    ...deepseekFields,
    topk_method: v.nullish(v.literal('noaux_tc')),
    scoring_func: v.nullish(v.literal('sigmoid')),
    rope_interleave: flag(true),
  },
  decoder: (config, file) =>
    deepseekDecoder(config, file, {
      modelType: 'glm4_moe_lite',
      normEpsilon: 1e-5,
      ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
      moe: sigmoidMoe(config, file, config.n_shared_experts ?? 1),
      denseLayers: 1,
    }),
});
