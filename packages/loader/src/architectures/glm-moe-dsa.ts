// GLM-5 (Zhipu AI; transformers models/glm_moe_dsa): DeepSeek-V3.2 with other defaults; some layers take the selection of the
// one below.
import { deepseekV3Like } from './deepseek-v3.js';

export const glmMoeDsa = deepseekV3Like({
  modelTypes: ['glm_moe_dsa'],
  normEpsilon: 1e-5,
  denseLayers: 3,
  scale: 2.5,
  selects: true,
});
