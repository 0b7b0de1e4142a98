// dots.llm1. llama.cpp has no windows for it, and the published models none within their context.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, expertsBehindDense, routeConfig, routeMetadata } from './fields.js';

export const dots1: GgufArchitecture = {
  name: 'dots1',
  modelType: 'dots1',
  className: 'Dots1ForCausalLM',
  fields: [...base, ...attention, ...expertsBehindDense],
  constants: { sliding_window: null, attention_bias: false },
  permuted: false,
  config: (read) => ({
    ...routeConfig(read),
    norm_topk_prob: read.flag('expert_weights_norm') ?? false,
  }),
  metadata: routeMetadata,
};
