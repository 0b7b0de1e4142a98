// DeepSeek-V3.2 (https://arxiv.org/abs/2512.02556; transformers models/deepseek_v32): DeepSeek-V3 whose attention selects tokens
// once there are more than its indexer takes.
import { deepseekV3Like } from './deepseek-v3.js';

export const deepseekV32 = deepseekV3Like({
  modelTypes: ['deepseek_v32'],
  normEpsilon: 1e-6,
  denseLayers: 3,
  scale: 2.5,
  groups: [8, 4],
  selects: true,
});
