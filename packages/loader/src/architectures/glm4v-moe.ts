// GLM-4.5V (Zhipu AI, https://arxiv.org/abs/2507.01006; transformers models/glm4v_moe): GLM-4.5 as the language model of a
// composite, without norms of queries and keys. With text alone the three positions of a token are one.
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { glm4Decoder, glm4Fields, glm4Names } from './glm4-moe.js';

const text = defineArchitecture({
  modelTypes: ['glm4v_moe_text'],
  names: glm4Names,
  fields: glm4Fields,
  decoder: (config, file) => glm4Decoder({ ...config, use_qk_norm: false }, file, 'glm4v_moe_text', true),
});

export const glm4vMoe = composite(text, {
  modelTypes: ['glm4v_moe'],
  path: ['text_config'],
  prefix: 'model.language_model.',
});
