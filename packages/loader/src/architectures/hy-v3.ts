// Hunyuan 3 (Tencent; transformers models/hy_v3): RMS norms over each head of queries and keys, sigmoid routing with a bias on
// the choice, a shared MLP, dense layers first.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, factor, flag, width } from '../config/config.js';
import {
  attentionBias,
  biasNames,
  decoderConfig,
  denseNames,
  llamaNames,
  mlpExpertNames,
  queryKeyNormNames,
} from './llama.js';
import { denseByTypes, denseOr, mlpTypes, sharedCount, sigmoidMoe } from './sigmoid-moe.js';

const mlp = 'model.layers.{layer}.mlp';

export const hyV3 = defineArchitecture({
  modelTypes: ['hy_v3'],
  names: {
    ...llamaNames,
    ...biasNames,
    ...queryKeyNormNames,
    ...denseNames,
    ...mlpExpertNames,
    router: [`${mlp}.router.gate.weight`],
    correctionBias: [`${mlp}.expert_bias`],
    sharedGate: [`${mlp}.shared_mlp.gate_proj.weight`],
    sharedUp: [`${mlp}.shared_mlp.up_proj.weight`],
    sharedDown: [`${mlp}.shared_mlp.down_proj.weight`],
  },
  fields: {
    ...commonFields,
    head_dim: v.nullish(width, 128),
    intermediate_size: width,
    moe_intermediate_size: width,
    num_shared_experts: sharedCount,
    router_scaling_factor: v.nullish(factor, 2.826),
    attention_bias: flag(false),
    mlp_bias: v.nullish(v.literal(false, 'false')),
    mlp_layer_types: mlpTypes,
  },
  decoder: (config, file) => {
    const routing = {
      n_group: 1,
      topk_group: 1,
      norm_topk_prob: true,
      routed_scaling_factor: config.router_scaling_factor,
    };
    const moe = sigmoidMoe({ ...config, ...routing }, file, config.num_shared_experts ?? 1);
    const mlpOf = denseOr(config, moe, denseByTypes(config.mlp_layer_types, config, file, 1));
    return decoderConfig(config, file, {
      modelType: 'hy_v3',
      normEpsilon: 1e-5,
      ropeTheta: 11_158_840,
      attention: {
        queryKeyNorm: 'head',
        bias: attentionBias(config),
      },
      layer: (index) => ({ mlp: mlpOf(index) }),
    });
  },
});
