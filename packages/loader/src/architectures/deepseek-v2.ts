// DeepSeek-V2 (https://arxiv.org/abs/2405.04434; transformers models/deepseek_v2): latent attention, softmax over all experts,
// chosen from the best groups where `topk_method` says so. Weights are never divided by their sum, as in transformers.
import type { MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { assertRoute, sigmoidMoe } from './sigmoid-moe.js';

export const deepseekV2 = defineArchitecture({
  modelTypes: ['deepseek_v2'],
  names: deepseekNames,
  fields: {
    ...deepseekFields,
    topk_method: v.nullish(v.picklist(['greedy', 'group_limited_greedy']), 'greedy'),
    scoring_func: v.nullish(v.literal('softmax')),
    mlp_bias: v.nullish(v.literal(false)),
  },
  decoder: (config, file) => {
    const { n_group: count, topk_group: kept, topk_method: method } = config;
    const route: MoeConfig['route'] = {
      experts: config.num_local_experts,
      expertsPerToken: config.num_experts_per_tok,
      score: 'softmax',
      normalizeTopK: false,
      scalingFactor: config.routed_scaling_factor,
      ...(method !== 'greedy' && count > 1 && { groups: { count, kept, rank: 'max' } }),
    };
    assertRoute(route, file);
    const experts = sigmoidMoe({ ...config, n_group: 1 }, file, config.n_shared_experts ?? 2);
    return deepseekDecoder(config, file, {
      modelType: 'deepseek_v2',
      normEpsilon: 1e-6,
      ropeStyle: 'interleaved',
      moe: { ...experts, route, correctionBias: false },
      denseLayers: 0,
    });
  },
});
