// GLM-4.5 to 4.7. Layers that predict further tokens are counted among the others.
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

export const glm4Moe: GgufArchitecture = {
  name: 'glm4moe',
  modelType: 'glm4_moe',
  className: 'Glm4MoeForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('n_routed_experts'),
    count('feed_forward_length', 'intermediate_size', denseWidth),
    count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
    count('expert_shared_count', 'n_shared_experts', sharedExperts),
    count('leading_dense_block_count', 'first_k_dense_replace', leadingDense),
  ],
  constants: {},
  permuted: false,
  names: { mlpNorm: 'blk.{layer}.post_attention_norm.weight' },
  config(read) {
    const layers = read.number('block_count') ?? 0;
    const rotated = read.number('rope.dimension_count') ?? 0;
    return {
      num_hidden_layers: layers - (read.number('nextn_predict_layers') ?? 0),
      partial_rotary_factor: rotated / (read.number('attention.key_length') ?? rotated),
      routed_scaling_factor: read.number('expert_weights_scale') || 1,
      norm_topk_prob: read.flag('expert_weights_norm') ?? true,
      n_group: read.number('expert_group_count') || 1,
      topk_group: read.number('expert_group_used_count') || 1,
      use_qk_norm: read.has('queryNorm'),
      attention_bias: read.has('queryBias'),
    };
  },
  metadata(decoder) {
    const { groups, scalingFactor = 1, normalizeTopK } = moeOf(decoder)?.route ?? {};
    return {
      expert_gating_func: u32(gating.sigmoid),
      expert_weights_scale: f32(scalingFactor),
      expert_weights_norm: bool(normalizeTopK === true),
      expert_group_count: groups === undefined ? null : u32(groups.count),
      expert_group_used_count: groups === undefined ? null : u32(groups.kept),
    };
  },
};
