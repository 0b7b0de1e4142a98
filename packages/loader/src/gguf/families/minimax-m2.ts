// MiniMax-M2. Experts are as wide as llama.cpp's dense layers, of which there are none.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth, gating, u32 } from './fields.js';

export const minimaxM2: GgufArchitecture = {
  name: 'minimax-m2',
  modelType: 'minimax_m2',
  className: 'MiniMaxM2ForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('num_local_experts'),
    count('feed_forward_length', 'intermediate_size', expertWidth),
    count('expert_feed_forward_length', null, expertWidth),
  ],
  constants: {},
  permuted: false,
  config: (read) => ({ rotary_dim: read.number('rope.dimension_count') }),
  metadata: () => ({ expert_gating_func: u32(gating.sigmoid) }),
};
