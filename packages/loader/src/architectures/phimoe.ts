// Phi-3.5-MoE (https://arxiv.org/abs/2404.14219; transformers models/phimoe): Mixtral with biases and layer norms, LongRoPE, and
// experts mixed by SparseMixer (https://arxiv.org/abs/2409.12136).
import { validateRouteSpec } from '@moeq/router';
import type { MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, width } from '../config/config.js';
import { biasNames, decoderConfig } from './llama.js';
import { mixtralNames } from './mixtral.js';

export const phimoe = defineArchitecture({
  modelTypes: ['phimoe'],
  names: {
    ...mixtralNames,
    ...biasNames,
    mixerNormBias: ['model.layers.{layer}.input_layernorm.bias'],
    mlpNormBias: ['model.layers.{layer}.post_attention_layernorm.bias'],
    finalNormBias: ['model.norm.bias'],
    headBias: ['lm_head.bias'],
  },
  fields: {
    ...commonFields,
    intermediate_size: width,
    attention_bias: flag(false),
    lm_head_bias: flag(false),
    router_jitter_noise: v.nullish(
      v.pipe(v.number('a number from 0'), v.minValue(0, 'a number from 0')),
      0.01,
    ),
  },
  decoder: (config, file) => {
    const route: MoeConfig['route'] = {
      experts: config.num_local_experts,
      expertsPerToken: config.num_experts_per_tok,
      score: 'sparseMixer',
      jitter: config.router_jitter_noise,
      normalizeTopK: false,
    };
    validateRouteSpec(route, file);
    const bias = config.attention_bias;
    return decoderConfig(config, file, {
      modelType: 'phimoe',
      normEpsilon: 1e-5,
      ropeTheta: 1e6,
      norm: { kind: 'layer', bias: true },
      attention: { bias: { qkv: bias, output: bias } },
      headBias: config.lm_head_bias,
      layer: () => ({
        window: config.sliding_window || null,
        mlp: {
          kind: 'moe',
          route,
          intermediateSize: config.intermediate_size,
          activation: config.hidden_act,
          bias: false,
          routerBias: false,
          correctionBias: false,
          shared: null,
        },
      }),
    });
  },
});
