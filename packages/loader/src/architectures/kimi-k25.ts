// Kimi K2.5 (Moonshot AI; transformers models/kimi_k25): DeepSeek-V3 as the language model of a composite; the vision tower is
// carried along.
import { composite } from '../config/composite.js';
import { deepseekV3 } from './deepseek-v3.js';

export const kimiK25 = composite(deepseekV3, {
  modelTypes: ['kimi_k25'],
  path: ['text_config'],
  prefix: 'language_model.model.',
  head: 'language_model.lm_head.weight',
  layers: 'blocks',
});
