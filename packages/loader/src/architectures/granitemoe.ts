// GraniteMoE (IBM Granite 3; transformers models/granitemoe): experts fused on the hub too, softmax over the chosen
// experts only, and multipliers on embeddings, residuals, attention scores and logits.
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, factor, flag, width } from '../config/config.js';
import { biasNames, decoderConfig, llamaNames } from './llama.js';

const block = 'model.layers.{layer}.block_sparse_moe';

export const graniteMoe = defineArchitecture({
  modelTypes: ['granitemoe'],
  names: {
    ...llamaNames,
    ...biasNames,
    router: [`${block}.router.layer.weight`, `${block}.router.weight`],
    expertGateUp: [`${block}.input_linear.weight`, `${block}.experts.gate_up_proj`],
    expertDown: [`${block}.output_linear.weight`, `${block}.experts.down_proj`],
  },
  fields: {
    ...commonFields,
    intermediate_size: width,
    attention_bias: flag(false),
    attention_multiplier: factor,
    embedding_multiplier: factor,
    residual_multiplier: factor,
    logits_scaling: factor,
  },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'granitemoe',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: {
        scale: config.attention_multiplier,
        bias: { qkv: config.attention_bias, output: config.attention_bias },
      },
      embeddingScale: config.embedding_multiplier,
      residualScale: config.residual_multiplier,
      logitsScale: 1 / config.logits_scaling,
      layer: () => ({
        window: null,
        mlp: {
          kind: 'moe',
          route: {
            experts: config.num_local_experts,
            expertsPerToken: config.num_experts_per_tok,
            score: 'softmaxAfterTopK',
            normalizeTopK: false,
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
