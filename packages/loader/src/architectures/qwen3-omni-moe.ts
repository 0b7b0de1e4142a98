// Qwen3-Omni (https://arxiv.org/abs/2509.17765; transformers models/qwen3_omni_moe): the thinker's language model is Qwen3-MoE;
// towers, talker and vocoder are carried along. With text alone the three positions of a token are one.
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { flag } from '../config/config.js';
import { qwen3Decoder, qwen3Fields, qwen3Names } from './qwen3-moe.js';

const text = defineArchitecture({
  modelTypes: ['qwen3_omni_moe_text'],
  names: qwen3Names,
  fields: { ...qwen3Fields, norm_topk_prob: flag(true) },
  // it has no switch
  decoder: (config, file) =>
    qwen3Decoder({ ...config, use_sliding_window: true }, file, 'qwen3_omni_moe_text', 1e6),
});

export const qwen3OmniMoe = composite(text, {
  modelTypes: ['qwen3_omni_moe'],
  path: ['thinker_config', 'text_config'],
  prefix: 'thinker.model.',
  head: 'thinker.lm_head.weight',
});

/** The thinker by itself. */
export const qwen3OmniMoeThinker = composite(text, {
  modelTypes: ['qwen3_omni_moe_thinker'],
  path: ['text_config'],
  prefix: 'model.',
});
