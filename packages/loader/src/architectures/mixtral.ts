// Mixtral (https://arxiv.org/abs/2401.04088; transformers models/mixtral): softmax over all experts, top-k, weights
// divided by their sum. On the hub w1 is the gate, w3 the up and w2 the down projection.
import { defineArchitecture, type TensorNames } from '../config/architecture.js';
import { commonFields, width } from '../config/config.js';
import { decoderConfig, llamaNames, mlpExpertNames } from './llama.js';

const block = 'model.layers.{layer}.block_sparse_moe';

export const mixtralNames = {
  ...llamaNames,
  router: [`${block}.gate.weight`, ...mlpExpertNames.router],
  expertGate: [`${block}.experts.{expert}.w1.weight`],
  expertUp: [`${block}.experts.{expert}.w3.weight`],
  expertGateUp: mlpExpertNames.expertGateUp,
  expertDown: [`${block}.experts.{expert}.w2.weight`, 'model.layers.{layer}.mlp.experts.down_proj'],
} as const satisfies TensorNames;

export const mixtral = defineArchitecture({
  modelTypes: ['mixtral'],
  names: mixtralNames,
  fields: { ...commonFields, intermediate_size: width },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'mixtral',
      normEpsilon: 1e-5,
      ropeTheta: 1e6,
      layer: () => ({
        window: config.sliding_window || null,
        mlp: {
          kind: 'moe',
          route: {
            experts: config.num_local_experts,
            expertsPerToken: config.num_experts_per_tok,
            score: 'softmax',
            normalizeTopK: true,
          },
          intermediateSize: config.intermediate_size,
          activation: config.hidden_act,
          bias: false,
          routerBias: false,
          correctionBias: false,
          shared: null,
        },
      }),
    }),
});
