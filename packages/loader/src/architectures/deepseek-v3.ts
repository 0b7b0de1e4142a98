// DeepSeek-V3 and R1 (https://arxiv.org/abs/2412.19437; transformers models/deepseek_v3): latent attention, sigmoids with a bias
// for the choice of experts, in groups. Layers for prediction behind the last one are left aside.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { flag } from '../config/config.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { sigmoidMoe } from './sigmoid-moe.js';

interface Model {
  readonly modelTypes: readonly [string];
  /** Where config.json has none. */
  readonly normEpsilon: number;
  readonly denseLayers: number;
}

/** DeepSeek-V3, and models that differ in defaults alone. */
export const deepseekV3Like = ({ modelTypes, normEpsilon, denseLayers }: Model) =>
  defineArchitecture({
    modelTypes,
    names: deepseekNames,
    fields: {
      ...deepseekFields,
      topk_method: v.nullish(v.literal('noaux_tc')),
      scoring_func: v.nullish(v.literal('sigmoid')),
      rope_interleave: flag(true),
    },
    decoder: (config, file) =>
      deepseekDecoder(config, file, {
        modelType: modelTypes[0],
        normEpsilon,
        ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
        moe: sigmoidMoe(config, file, config.n_shared_experts ?? 1),
        denseLayers,
      }),
  });

export const deepseekV3 = deepseekV3Like({ modelTypes: ['deepseek_v3'], normEpsilon: 1e-6, denseLayers: 3 });
