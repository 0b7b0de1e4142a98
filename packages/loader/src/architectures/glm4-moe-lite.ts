// GLM-4.7-Flash (transformers models/glm4_moe_lite): latent attention and experts as DeepSeek-V3.
import { deepseekV3Like } from './deepseek-v3.js';

export const glm4MoeLite = deepseekV3Like({
  modelTypes: ['glm4_moe_lite'],
  normEpsilon: 1e-5,
  denseLayers: 1,
  scale: 1.8,
});
