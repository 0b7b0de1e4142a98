// ERNIE 4.5. Neighbouring numbers of a head turn on both sides, so rows lie alike.
import type { GgufArchitecture } from '../architecture.js';
import {
  attention,
  base,
  count,
  denseWidth,
  expertCount,
  expertInterval,
  expertWidth,
  leadingDense,
  ofMoe,
  sharedExperts,
} from './fields.js';

export const ernie45Moe: GgufArchitecture = {
  name: 'ernie4_5-moe',
  modelType: 'ernie4_5_moe',
  className: 'Ernie4_5_MoeForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('moe_num_experts'),
    count('feed_forward_length', 'intermediate_size', denseWidth),
    count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
    count('expert_shared_count', 'moe_num_shared_experts', sharedExperts),
    count(
      'expert_shared_feed_forward_length',
      null,
      ofMoe(({ shared }) => shared?.intermediateSize ?? null),
    ),
    count('leading_dense_block_count', 'moe_layer_start_index', leadingDense),
    count('interleave_moe_layer_step', 'moe_layer_interval', expertInterval),
  ],
  constants: { moe_layer_end_index: -1, use_bias: false },
  permuted: false,
};
