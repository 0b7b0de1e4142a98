// GraniteMoE (IBM Granite 3; transformers models/granitemoe, models/granitemoeshared): experts fused on the hub too, softmax
// over the chosen experts only, and multipliers on embeddings, residuals, attention scores and logits; perhaps a shared MLP.
import type { Activation } from '@moeq/kernels';
import type { MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, factor, flag, width } from '../config/config.js';
import { biasNames, decoderConfig, llamaNames } from './llama.js';

const block = 'model.layers.{layer}.block_sparse_moe';

/** Of `granitemoe` that is not read. */
function sharedOf(config: {
  model_type: string;
  shared_intermediate_size: number;
  hidden_act: Activation;
}): MoeConfig['shared'] {
  const { model_type: type, shared_intermediate_size: intermediateSize, hidden_act: activation } = config;
  if (type === 'granitemoe' || intermediateSize === 0) return null;
  return { intermediateSize, activation, bias: false, outputGate: false };
}

export const graniteMoe = defineArchitecture({
  modelTypes: ['granitemoe', 'granitemoeshared'],
  names: {
    ...llamaNames,
    ...biasNames,
    router: [`${block}.router.layer.weight`, `${block}.router.weight`],
    expertGateUp: [`${block}.input_linear.weight`, `${block}.experts.gate_up_proj`],
    expertDown: [`${block}.output_linear.weight`, `${block}.experts.down_proj`],
    sharedGateUp: ['model.layers.{layer}.shared_mlp.input_linear.weight'],
    sharedDown: ['model.layers.{layer}.shared_mlp.output_linear.weight'],
  },
  fields: {
    ...commonFields,
    model_type: v.picklist(['granitemoe', 'granitemoeshared']),
    intermediate_size: width,
    shared_intermediate_size: v.nullish(v.union([v.literal(0), width], 'an integer from 0'), 0),
    attention_bias: flag(false),
    attention_multiplier: factor,
    embedding_multiplier: factor,
    residual_multiplier: factor,
    logits_scaling: factor,
  },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: config.model_type,
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
          shared: sharedOf(config),
        },
      }),
    }),
});
