// Aria (https://arxiv.org/abs/2410.05993; transformers models/aria): Llama's attention, softmax over the chosen experts only,
// shared experts as one MLP. Experts of a layer are one tensor written for x W. On the hub it is the language model of a composite.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { commonFields, flag, width } from '../config/config.js';
import { attentionBias, biasNames, decoderConfig, llamaNames } from './llama.js';
import { sharedCount, sharedExpertNames } from './sigmoid-moe.js';

const mlp = 'model.layers.{layer}.mlp';

/** The language model by itself. */
export const ariaText = defineArchitecture({
  modelTypes: ['aria_text'],
  names: {
    ...llamaNames,
    ...biasNames,
    ...sharedExpertNames,
    router: [`${mlp}.router.weight`],
    expertGateUp: [`${mlp}.experts.fc1.weight`],
    expertDown: [`${mlp}.experts.fc2.weight`],
  },
  fused: { expertGateUp: { transposed: true }, expertDown: { transposed: true } },
  fields: {
    ...commonFields,
    intermediate_size: width,
    moe_num_shared_experts: sharedCount,
    attention_bias: flag(false),
    mlp_bias: v.nullish(v.literal(false, 'false')),
  },
  aliases: [['moe_topk', 'num_experts_per_tok']],
  decoder: (config, file) => {
    const inner = {
      intermediateSize: config.intermediate_size,
      activation: config.hidden_act,
      bias: false,
    };
    const sharedExperts = config.moe_num_shared_experts ?? 2;
    return decoderConfig(config, file, {
      modelType: 'aria_text',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { bias: attentionBias(config) },
      layer: () => ({
        mlp: {
          kind: 'moe',
          route: {
            experts: config.num_local_experts,
            expertsPerToken: config.num_experts_per_tok,
            score: 'softmaxAfterTopK',
            normalizeTopK: false,
          },
          ...inner,
          routerBias: false,
          correctionBias: false,
          shared:
            sharedExperts === 0
              ? null
              : { ...inner, intermediateSize: sharedExperts * inner.intermediateSize, outputGate: false },
        },
      }),
    });
  },
});

export const aria = composite(ariaText, {
  modelTypes: ['aria'],
  path: ['text_config'],
  prefix: 'language_model.model.',
  head: 'language_model.lm_head.weight',
});
