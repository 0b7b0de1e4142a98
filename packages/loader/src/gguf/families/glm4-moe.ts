// GLM-4.5 to 4.7. Layers that predict further tokens are counted among the others.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, expertsBehindDense, routeConfig, routeMetadata } from './fields.js';

export const glm4Moe: GgufArchitecture = {
  name: 'glm4moe',
  modelType: 'glm4_moe',
  className: 'Glm4MoeForCausalLM',
  fields: [...base, ...attention, ...expertsBehindDense],
  constants: {},
  permuted: false,
  names: { mlpNorm: 'blk.{layer}.post_attention_norm.weight' },
  config(read) {
    const layers = read.number('block_count') ?? 0;
    const rotated = read.number('rope.dimension_count') ?? 0;
    return {
      num_hidden_layers: layers - (read.number('nextn_predict_layers') ?? 0),
      partial_rotary_factor: rotated / (read.number('attention.key_length') ?? rotated),
      ...routeConfig(read),
      norm_topk_prob: read.flag('expert_weights_norm') ?? true,
      use_qk_norm: read.has('queryNorm'),
      attention_bias: read.has('queryBias'),
    };
  },
  metadata: routeMetadata,
};
