// DeepSeek-V3 and R1 (https://arxiv.org/abs/2412.19437; transformers models/deepseek_v3): latent attention, sigmoids with a bias
// for the choice of experts, in groups. Layers for prediction behind the last one are left aside.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { flag } from '../config/config.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { sigmoidMoe } from './sigmoid-moe.js';

export const deepseekV3 = defineArchitecture({
  modelTypes: ['deepseek_v3'],
  names: deepseekNames,
  fields: {
    ...deepseekFields,
    topk_method: v.nullish(v.literal('noaux_tc')),
    scoring_func: v.nullish(v.literal('sigmoid')),
    rope_interleave: flag(true),
  },
  decoder: (config, file) =>
    deepseekDecoder(config, file, {
      modelType: 'deepseek_v3',
      normEpsilon: 1e-6,
      ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
      moe: sigmoidMoe(config, file, config.n_shared_experts ?? 1),
      denseLayers: 3,
    }),
});
