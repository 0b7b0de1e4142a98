// gpt-oss. Every other layer has a window, the first one too. llama.cpp rounds the bounds of YaRN's ramp to whole dimensions
// and transformers, by `truncate`, does not: here the model counts.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth, ofAttention } from './fields.js';

export const gptOss: GgufArchitecture = {
  name: 'gpt-oss',
  modelType: 'gpt_oss',
  className: 'GptOssForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('num_local_experts'),
    count('feed_forward_length', null, expertWidth),
    count('expert_feed_forward_length', 'intermediate_size', expertWidth),
    count(
      'attention.sliding_window',
      'sliding_window',
      ofAttention(({ window }) => window),
    ),
  ],
  constants: {},
  permuted: false,
  names: { mlpNorm: 'blk.{layer}.post_attention_norm.weight' },
  ropeScaling: () => ({ truncate: false }),
};
