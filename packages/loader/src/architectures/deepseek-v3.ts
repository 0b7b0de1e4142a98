// DeepSeek-V3 and R1 (https://arxiv.org/abs/2412.19437; transformers models/deepseek_v3): latent attention, sigmoids with a bias
// for the choice of experts, in groups. Layers for prediction behind the last one are left aside.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { count, factor, flag, maxContext } from '../config/config.js';
import { withinSelection } from '../config/selection.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { sigmoidMoe } from './sigmoid-moe.js';

interface Model {
  readonly modelTypes: readonly [string];
  /** Where config.json has none. */
  readonly normEpsilon: number;
  readonly denseLayers: number;
  /** `routed_scaling_factor` where config.json has none. */
  readonly scale: number;
  /** `n_group` and `topk_group` where config.json has none; 1 unless given. */
  readonly groups?: readonly [count: number, kept: number];
  /** Whether an indexer selects tokens; no unless given. */
  readonly selects?: boolean;
}

/** DeepSeek-V3, and models that differ in defaults alone. */
export const deepseekV3Like = ({
  modelTypes,
  normEpsilon,
  denseLayers,
  scale,
  groups: [groups, kept] = [1, 1],
  selects = false,
}: Model) =>
  defineArchitecture({
    modelTypes,
    names: deepseekNames,
    fields: {
      ...deepseekFields,
      routed_scaling_factor: v.nullish(factor, scale),
      n_group: v.nullish(deepseekFields.n_group, groups),
      topk_group: v.nullish(deepseekFields.topk_group, kept),
      topk_method: v.nullish(v.literal('noaux_tc')),
      scoring_func: v.nullish(v.literal('sigmoid')),
      rope_interleave: flag(true),
      index_topk: v.nullish(count(maxContext), 2048),
    },
    ...(selects && { leftAside: /^layers\.\d+\.self_attn\.indexer\./ }),
    turned: (decoder, { index_topk: tokens }) => (selects ? withinSelection(decoder, tokens) : decoder),
    decoder: (config, file) =>
      deepseekDecoder(config, file, {
        modelType: modelTypes[0],
        normEpsilon,
        ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
        moe: sigmoidMoe(config, file, config.n_shared_experts ?? 1),
        denseLayers,
      }),
  });

export const deepseekV3 = deepseekV3Like({
  modelTypes: ['deepseek_v3'],
  normEpsilon: 1e-6,
  denseLayers: 3,
  scale: 2.5,
  groups: [8, 4],
});
