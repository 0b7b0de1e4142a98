// Mistral 4 (Mistral AI; transformers models/mistral4, and mistral3 around it): DeepSeek-V3's layers with softmax over all experts,
// experts of a layer as one tensor, and queries that grow with their position.
import { type MoeConfig, withMixers } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { count, flag, maxContext } from '../config/config.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { assertRoute, sigmoidMoe } from './sigmoid-moe.js';

const growth = v.nullish(
  v.object({
    llama_4_scaling_beta: v.nullish(v.pipe(v.number('a number'), v.finite('a number'))),
    original_max_position_embeddings: v.nullish(count(maxContext)),
  }),
);

export const mistral4 = defineArchitecture({
  modelTypes: ['mistral4'],
  names: deepseekNames,
  fields: {
    ...deepseekFields,
    // the composite holds other language models too
    model_type: v.nullish(v.literal('mistral4')),
    rope_interleave: flag(true),
    rope_parameters: growth,
    rope_scaling: growth,
  },
  decoder: (config, file) => {
    const { n_group: count, topk_group: kept } = config;
    const route: MoeConfig['route'] = {
      experts: config.num_local_experts,
      expertsPerToken: config.num_experts_per_tok,
      score: 'softmax',
      normalizeTopK: config.norm_topk_prob,
      normalizeEpsilon: 1e-20,
      scalingFactor: config.routed_scaling_factor,
      ...(count > 1 && { groups: { count, kept, rank: 'topTwoSum' } }),
    };
    assertRoute(route, file);
    const experts = sigmoidMoe(config, file, config.n_shared_experts ?? 1);
    return deepseekDecoder(config, file, {
      modelType: 'mistral4',
      normEpsilon: 1e-6,
      ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
      moe: { ...experts, route, correctionBias: false },
      denseLayers: 0,
    });
  },
  turned: (decoder, { rope_parameters: newer, rope_scaling: older }) => {
    const { llama_4_scaling_beta: slope, original_max_position_embeddings: every } = older ?? newer ?? {};
    if (slope == null || every == null) return decoder;
    const queryFactor = { slope, every, offset: 0 };
    const layers = withMixers(decoder.layers, (mixer) =>
      mixer.kind === 'latent' ? { ...mixer, queryFactor } : mixer,
    );
    return { ...decoder, layers };
  },
});

export const mistral3 = composite(mistral4, {
  modelTypes: ['mistral3'],
  path: ['text_config'],
  prefix: 'language_model.model.',
  head: 'language_model.lm_head.weight',
});
