// OLMoE. Files have a bound on queries, keys and values, but llama.cpp does not apply it.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth } from './fields.js';

export const olmoe: GgufArchitecture = {
  name: 'olmoe',
  modelType: 'olmoe',
  className: 'OlmoeForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('num_experts'),
    count('feed_forward_length', 'intermediate_size', expertWidth),
  ],
  constants: { norm_topk_prob: false, attention_bias: false },
  permuted: false,
};
