// dots.llm1. llama.cpp has no windows for it, and the published models none within their context.
import type { GgufArchitecture } from '../architecture.js';
import {
  attention,
  base,
  bool,
  count,
  denseWidth,
  expertCount,
  expertWidth,
  f32,
  gating,
  leadingDense,
  moeOf,
  sharedExperts,
  u32,
} from './fields.js';

export const dots1: GgufArchitecture = {
  name: 'dots1',
  modelType: 'dots1',
  className: 'Dots1ForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('n_routed_experts'),
    count('feed_forward_length', 'intermediate_size', denseWidth),
    count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
    count('expert_shared_count', 'n_shared_experts', sharedExperts),
    count('leading_dense_block_count', 'first_k_dense_replace', leadingDense),
  ],
  constants: { sliding_window: null, attention_bias: false },
  permuted: false,
  config: (read) => ({
    routed_scaling_factor: read.number('expert_weights_scale') || 1,
    norm_topk_prob: read.flag('expert_weights_norm') ?? false,
  }),
  metadata(decoder) {
    const { scalingFactor = 1, normalizeTopK } = moeOf(decoder)?.route ?? {};
    return {
      expert_gating_func: u32(gating.sigmoid),
      expert_weights_scale: f32(scalingFactor),
      expert_weights_norm: bool(normalizeTopK === true),
    };
  },
};
