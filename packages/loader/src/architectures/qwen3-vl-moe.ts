// Qwen3-VL-MoE (https://arxiv.org/abs/2511.21631; transformers models/qwen3_vl_moe): Qwen3-MoE as the language model of a
// composite, whose experts of a layer are one tensor written for x W. With text alone the three positions of a token are one.
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { qwen3Decoder, qwen3Fields, qwen3Names } from './qwen3-moe.js';

const text = defineArchitecture({
  modelTypes: ['qwen3_vl_moe_text'],
  names: qwen3Names,
  fused: { expertGateUp: { transposed: true }, expertDown: { transposed: true } },
  fields: qwen3Fields,
  // weights of the chosen are always divided by their sum, and there are no windows
  decoder: (config, file) =>
    qwen3Decoder(
      { ...config, norm_topk_prob: true, use_sliding_window: false },
      file,
      'qwen3_vl_moe_text',
      500_000,
    ),
});

export const qwen3VlMoe = composite(text, {
  modelTypes: ['qwen3_vl_moe'],
  path: ['text_config'],
  prefix: 'model.language_model.',
});
