// Mixtral, which llama.cpp runs as a Llama with experts.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth } from './fields.js';

export const llama: GgufArchitecture = {
  name: 'llama',
  modelType: 'mixtral',
  className: 'MixtralForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('num_local_experts'),
    count('feed_forward_length', 'intermediate_size', expertWidth),
  ],
  constants: { sliding_window: null },
  permuted: true,
};
