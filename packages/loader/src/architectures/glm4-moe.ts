// GLM-4.5 to 4.7 (Zhipu AI, https://arxiv.org/abs/2508.06471; transformers models/glm4_moe): half of each head turns, biases
// on q, k and v, perhaps RMS norms over each head of queries and keys; experts as DeepSeek-V3.
import type { DecoderConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, width } from '../config/config.js';
import { rotaryShare, rotaryShareFields } from '../config/rotary-share.js';
import { biasNames, decoderConfig, llamaNames, queryKeyNormNames } from './llama.js';
import {
  denseOr,
  firstDense,
  sharedCount,
  sigmoidMoe,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

export const glm4Names = {
  ...llamaNames,
  queryBias: biasNames.queryBias,
  keyBias: biasNames.keyBias,
  valueBias: biasNames.valueBias,
  ...queryKeyNormNames,
  ...sigmoidMoeNames,
};

export const glm4Fields = {
  ...commonFields,
  ...rotaryShareFields,
  ...sigmoidMoeFields,
  intermediate_size: width,
  n_shared_experts: sharedCount,
  first_k_dense_replace: firstDense(1),
  attention_bias: v.nullish(v.boolean('true or false')),
  use_qk_norm: flag(false),
};

type Glm4 = v.InferOutput<v.ObjectSchema<typeof glm4Fields, undefined>>;

/** @param attentionBias where the file has none */
export function glm4Decoder(
  config: Glm4,
  file: string,
  modelType: string,
  attentionBias: boolean,
): DecoderConfig {
  const moe = sigmoidMoe(config, file, config.n_shared_experts ?? 1);
  const mlpOf = denseOr(config, moe, (layer) => layer < config.first_k_dense_replace);
  return decoderConfig(config, file, {
    modelType,
    normEpsilon: 1e-5,
    ropeTheta: 10_000,
    rotaryShare: rotaryShare(config, file, 0.5),
    attention: {
      queryKeyNorm: config.use_qk_norm ? 'head' : null,
      bias: { qkv: config.attention_bias ?? attentionBias, output: false },
    },
    layer: (index) => ({ mlp: mlpOf(index) }),
  });
}

export const glm4Moe = defineArchitecture({
  modelTypes: ['glm4_moe'],
  names: glm4Names,
  fields: glm4Fields,
  decoder: (config, file) => glm4Decoder(config, file, 'glm4_moe', false),
});
