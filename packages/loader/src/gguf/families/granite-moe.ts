// GraniteMoE, with a shared MLP or without.
import type { GgufArchitecture } from '../architecture.js';
import { attention, base, count, expertCount, expertWidth, ofAttention, ofMoe, real } from './fields.js';

export const graniteMoe: GgufArchitecture = {
  name: 'granitemoe',
  modelType: 'granitemoeshared',
  alsoWritten: ['granitemoe'],
  className: 'GraniteMoeSharedForCausalLM',
  fields: [
    ...base,
    ...attention,
    expertCount('num_local_experts'),
    count('feed_forward_length', 'intermediate_size', expertWidth),
    count(
      'expert_shared_feed_forward_length',
      'shared_intermediate_size',
      ofMoe(({ shared }) => shared?.intermediateSize ?? null),
    ),
    real(
      'attention.scale',
      'attention_multiplier',
      ofAttention(({ scale }) => scale),
    ),
    real('embedding_scale', 'embedding_multiplier', ({ embeddingScale }) => embeddingScale),
    real('residual_scale', 'residual_multiplier', ({ layers }) => layers[0]?.blocks[0]?.residualScale ?? 1),
    real('logit_scale', 'logits_scaling', ({ logitsScale }) => 1 / logitsScale),
  ],
  constants: { attention_bias: false },
  permuted: true,
};
