// ERNIE 4.5 (Baidu; transformers models/ernie4_5_moe): neighbouring numbers of a head turn, softmax over all experts with a bias
// on the choice, shared experts; dense layers at the ends and between by an interval; perhaps biases everywhere but in experts.
import type { DenseConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, count, flag, layerNumber, width } from '../config/config.js';
import { biasNames, decoderConfig, llamaNames } from './llama.js';
import { sharedCount, sigmoidMoeNames } from './sigmoid-moe.js';

const mlp = 'model.layers.{layer}.mlp';
const shared = `${mlp}.shared_experts`;

export const ernie45Moe = defineArchitecture({
  modelTypes: ['ernie4_5_moe'],
  names: {
    ...llamaNames,
    ...biasNames,
    headBias: ['lm_head.bias'],
    ...sigmoidMoeNames,
    correctionBias: [`${mlp}.moe_statics.e_score_correction_bias`],
    denseGateBias: [`${mlp}.gate_proj.bias`],
    denseUpBias: [`${mlp}.up_proj.bias`],
    denseDownBias: [`${mlp}.down_proj.bias`],
    sharedGateBias: [`${shared}.gate_proj.bias`],
    sharedUpBias: [`${shared}.up_proj.bias`],
    sharedDownBias: [`${shared}.down_proj.bias`],
  },
  fields: {
    ...commonFields,
    tie_word_embeddings: flag(true),
    intermediate_size: width,
    moe_intermediate_size: width,
    moe_num_shared_experts: sharedCount,
    moe_layer_start_index: v.nullish(layerNumber, 1),
    /** -1: the last layer. */
    moe_layer_end_index: v.nullish(v.union([v.literal(-1), layerNumber], 'a layer, or -1'), -1),
    moe_layer_interval: v.nullish(count(1024), 1),
    use_bias: flag(false),
  },
  decoder: (config, file) => {
    const { moe_layer_start_index: first, moe_layer_interval: interval, use_bias: bias } = config;
    const end = config.moe_layer_end_index;
    const last = end === -1 ? config.num_hidden_layers - 1 : end;
    const isSparse = (index: number) => (index + 1) % interval === 0 && index >= first && index <= last;
    const sharedExperts = config.moe_num_shared_experts ?? 2;
    const { hidden_act: activation, moe_intermediate_size: intermediateSize } = config;
    const moe: MoeConfig = {
      kind: 'moe',
      route: {
        experts: config.num_local_experts,
        expertsPerToken: config.num_experts_per_tok,
        score: 'softmax',
        normalizeTopK: true,
      },
      intermediateSize,
      activation,
      bias: false,
      routerBias: false,
      correctionBias: true,
      shared:
        sharedExperts === 0
          ? null
          : { intermediateSize: sharedExperts * intermediateSize, activation, bias, outputGate: false },
    };
    const dense: DenseConfig = {
      kind: 'dense',
      intermediateSize: config.intermediate_size,
      activation,
      bias,
    };
    return decoderConfig(config, file, {
      modelType: 'ernie4_5_moe',
      normEpsilon: 1e-5,
      ropeTheta: 500_000,
      ropeStyle: 'interleaved',
      attention: { bias: { qkv: bias, output: bias } },
      headBias: bias,
      layer: (index) => ({ mlp: isSparse(index) ? moe : dense }),
    });
  },
});
