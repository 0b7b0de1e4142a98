// gpt-oss (OpenAI, arXiv 2508.10925; transformers models/gpt_oss): biases everywhere, a learned sink in each head's softmax, a
// window in every other layer, YaRN, softmax over the chosen experts only, and ups that are clamped and raised by 1. Experts
// of a layer are one tensor, written for x W and with gates and ups in turn, or MXFP4 with rows in the same order.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, flag, positive, width } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { attentionBias, biasNames, decoderConfig, llamaNames } from './llama.js';

const mlp = 'model.layers.{layer}.mlp';

export const gptOss = defineArchitecture({
  modelTypes: ['gpt_oss'],
  names: {
    ...llamaNames,
    ...biasNames,
    sinks: ['model.layers.{layer}.self_attn.sinks'],
    router: [`${mlp}.router.weight`],
    routerBias: [`${mlp}.router.bias`],
    expertGateUp: [`${mlp}.experts.gate_up_proj`],
    expertGateUpBias: [`${mlp}.experts.gate_up_proj_bias`],
    expertDown: [`${mlp}.experts.down_proj`, `${mlp}.experts.{expert}.down_proj.weight`],
    expertDownBias: [`${mlp}.experts.down_proj_bias`, `${mlp}.experts.{expert}.down_proj.bias`],
    // one by one, as GGUF files have them
    expertGate: [`${mlp}.experts.{expert}.gate_proj.weight`],
    expertGateBias: [`${mlp}.experts.{expert}.gate_proj.bias`],
    expertUp: [`${mlp}.experts.{expert}.up_proj.weight`],
    expertUpBias: [`${mlp}.experts.{expert}.up_proj.bias`],
  },
  fused: {
    expertGateUp: { transposed: true, interleaved: true },
    expertGateUpBias: { interleaved: true },
    expertDown: { transposed: true },
  },
  fields: {
    ...commonFields,
    // absent they are these, null they are what null is everywhere
    head_dim: v.optional(commonFields.head_dim, 64),
    num_key_value_heads: v.optional(commonFields.num_key_value_heads, 8),
    sliding_window: v.optional(commonFields.sliding_window, 128),
    intermediate_size: width,
    attention_bias: flag(true),
    layer_types: slidingTypes,
    swiglu_limit: v.nullish(positive, 7),
  },
  rotation: {
    rope_type: 'yarn',
    factor: 32,
    beta_fast: 32,
    beta_slow: 1,
    truncate: false,
    original_max_position_embeddings: 4096,
  },
  decoder: (config, file) => {
    const slides = slidingLayers(
      config.layer_types,
      config.num_hidden_layers,
      file,
      (layer) => layer % 2 === 0,
    );
    const windowOf = windowsOf(slides, config.sliding_window, config.num_hidden_layers, file);
    return decoderConfig(config, file, {
      modelType: 'gpt_oss',
      normEpsilon: 1e-5,
      ropeTheta: 150_000,
      attention: {
        bias: attentionBias(config),
        sinks: true,
      },
      layer: (index) => ({
        window: windowOf(index),
        mlp: {
          kind: 'moe',
          route: {
            experts: config.num_local_experts,
            expertsPerToken: config.num_experts_per_tok,
            score: 'softmaxAfterTopK',
            normalizeTopK: false,
          },
          intermediateSize: config.intermediate_size,
          activation: {
            kind: 'silu',
            gated: true,
            alpha: 1.702,
            limit: config.swiglu_limit,
            upOffset: 1,
          },
          bias: true,
          routerBias: true,
          correctionBias: false,
          shared: null,
        },
      }),
    });
  },
});
