// MiniMax-M2 (transformers models/minimax_m2): RMS norms over the full width of queries and keys, a part of each head turns,
// sigmoid routing with a bias on the choice; experts under Mixtral's names.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, width } from '../config/config.js';
import { rotaryShare, rotaryShareFields } from '../config/rotary-share.js';
import { decoderConfig, llamaNames, mlpExpertNames, queryKeyNormNames } from './llama.js';

const block = 'model.layers.{layer}.block_sparse_moe';

export const minimaxM2 = defineArchitecture({
  modelTypes: ['minimax_m2'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    router: [`${block}.gate.weight`, ...mlpExpertNames.router],
    correctionBias: [`${block}.e_score_correction_bias`, 'model.layers.{layer}.mlp.e_score_correction_bias'],
    expertGate: [`${block}.experts.{expert}.w1.weight`],
    expertUp: [`${block}.experts.{expert}.w3.weight`],
    expertGateUp: mlpExpertNames.expertGateUp,
    expertDown: [`${block}.experts.{expert}.w2.weight`, 'model.layers.{layer}.mlp.experts.down_proj'],
  },
  fields: {
    ...commonFields,
    ...rotaryShareFields,
    head_dim: v.nullish(width, 128),
    intermediate_size: width,
    rotary_dim: v.nullish(width),
  },
  decoder: (config, file) => {
    const { rotary_dim: rotaryDim, head_dim: headDim } = config;
    if (rotaryDim != null && rotaryDim > headDim)
      throw configError(file, `rotary_dim of at most head_dim, ${headDim}`, String(rotaryDim));
    return decoderConfig(config, file, {
      modelType: 'minimax_m2',
      normEpsilon: 1e-6,
      ropeTheta: 5e6,
      rotaryShare: rotaryShare(config, file, (rotaryDim ?? headDim) / headDim),
      attention: { queryKeyNorm: 'all' },
      layer: () => ({
        mlp: {
          kind: 'moe',
          route: {
            experts: config.num_local_experts,
            expertsPerToken: config.num_experts_per_tok,
            score: 'sigmoid',
            normalizeTopK: true,
          },
          intermediateSize: config.intermediate_size,
          activation: config.hidden_act,
          bias: false,
          routerBias: false,
          correctionBias: true,
          shared: null,
        },
      }),
    });
  },
});
