// Qwen3-MoE and Qwen2-MoE.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth, ofMoe } from './fields.js';

const fields = [
  ...base,
  ...attention,
  expertCount('num_experts'),
  // every layer has experts: the width of a dense one is written because llama.cpp wants the key
  count('feed_forward_length', 'intermediate_size', expertWidth),
  count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
];

const sharedWidth = count(
  'expert_shared_feed_forward_length',
  'shared_expert_intermediate_size',
  ofMoe(({ shared }) => shared?.intermediateSize ?? null),
);

export const qwen3Moe: GgufArchitecture = {
  name: 'qwen3moe',
  modelType: 'qwen3_moe',
  className: 'Qwen3MoeForCausalLM',
  fields,
  constants: { norm_topk_prob: true, use_sliding_window: false, attention_bias: false },
  permuted: false,
};

export const qwen2Moe: GgufArchitecture = {
  name: 'qwen2moe',
  modelType: 'qwen2_moe',
  className: 'Qwen2MoeForCausalLM',
  fields: [...fields, sharedWidth],
  constants: { norm_topk_prob: false, use_sliding_window: false, qkv_bias: true },
  permuted: false,
};
