// Solar Open (Upstage; transformers models/solar_open): GLM-4.5 without norms of queries and keys, whole heads turning, and
// experts in every layer.
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag } from '../config/config.js';
import { rotaryShare, rotaryShareFields } from '../config/rotary-share.js';
import { biasNames, decoderConfig, llamaNames, mlpExpertNames } from './llama.js';
import {
  sharedCount,
  sharedExpertNames,
  sigmoidMoe,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

export const solarOpen = defineArchitecture({
  modelTypes: ['solar_open'],
  names: {
    ...llamaNames,
    queryBias: biasNames.queryBias,
    keyBias: biasNames.keyBias,
    valueBias: biasNames.valueBias,
    ...mlpExpertNames,
    ...sharedExpertNames,
    correctionBias: sigmoidMoeNames.correctionBias,
  },
  fields: {
    ...commonFields,
    ...rotaryShareFields,
    ...sigmoidMoeFields,
    n_shared_experts: sharedCount,
    attention_bias: flag(false),
  },
  decoder: (config, file) => {
    const moe = sigmoidMoe(config, file, config.n_shared_experts ?? 1);
    return decoderConfig(config, file, {
      modelType: 'solar_open',
      normEpsilon: 1e-5,
      ropeTheta: 1e6,
      rotaryShare: rotaryShare(config, file, 1),
      attention: { bias: { qkv: config.attention_bias, output: false } },
      layer: () => ({ mlp: moe }),
    });
  },
});
