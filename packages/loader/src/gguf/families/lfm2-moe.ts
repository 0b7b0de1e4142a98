// LFM2-MoE. Layers without key heads are short convolutions.
import { layerMixer } from '@moeq/runtime';
import type { GgufArchitecture } from '../architecture.js';
import {
  attentionHeads,
  base,
  count,
  denseWidth,
  expertCount,
  expertWidth,
  gating,
  keyHeads,
  keyHeadsOf,
  leadingDense,
  u32,
} from './fields.js';

export const lfm2Moe: GgufArchitecture = {
  name: 'lfm2moe',
  modelType: 'lfm2_moe',
  className: 'Lfm2MoeForCausalLM',
  fields: [
    ...base,
    ...attentionHeads,
    expertCount('num_experts'),
    count('feed_forward_length', 'intermediate_size', denseWidth),
    count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
    count('leading_dense_block_count', 'num_dense_layers', leadingDense),
    count('shortconv.l_cache', 'conv_L_cache', ({ layers }) => {
      const conv = layers.map(layerMixer).find((mixer) => mixer?.kind === 'shortConv');
      return conv?.kind === 'shortConv' ? conv.taps : null;
    }),
  ],
  constants: { norm_topk_prob: true, routed_scaling_factor: 1 },
  permuted: false,
  names: { finalNorm: 'token_embd_norm.weight' },
  config(read) {
    const { heads, has } = keyHeadsOf(read);
    return {
      norm_eps: read.number('attention.layer_norm_rms_epsilon'),
      num_key_value_heads: heads,
      layer_types: has.map((attends) => (attends ? 'full_attention' : 'conv')),
      use_expert_bias: read.has('correctionBias'),
    };
  },
  metadata: (decoder) => ({
    'attention.head_count_kv': keyHeads(decoder),
    expert_gating_func: u32(gating.sigmoid),
  }),
};
