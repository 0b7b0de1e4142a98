// MiMo-V2-Flash (Xiaomi; transformers models/mimo_v2_flash): values narrower than keys; windows with sinks, twice the key/value
// heads and a rotation of their own; attention counts less than its output says; experts as DeepSeek-V3 without a shared one.
import { sequentialLayer } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, count, flag, maxContext, positive, width } from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { attentionVariants } from './attention-by-type.js';
import { biasNames, decoderConfig, llamaNames } from './llama.js';
import {
  denseByTypes,
  denseOr,
  mlpTypes,
  sigmoidMoe,
  sigmoidMoeFields,
  sigmoidMoeNames,
} from './sigmoid-moe.js';

const { outputBias: _, ...qkvBiasNames } = biasNames;

export const mimoV2Flash = defineArchitecture({
  modelTypes: ['mimo_v2_flash'],
  names: {
    ...llamaNames,
    ...qkvBiasNames,
    ...sigmoidMoeNames,
    sinks: ['model.layers.{layer}.self_attn.attention_sink_bias'],
  },
  fields: {
    ...commonFields,
    ...sigmoidMoeFields,
    head_dim: v.nullish(width, 192),
    v_head_dim: v.nullish(width, 128),
    sliding_window: v.optional(count(maxContext), 128),
    intermediate_size: width,
    attention_bias: flag(false),
    // biome-ignore lint/suspicious/noApproximativeNumericConstant: the number of the model, not of mathematics
    attention_value_scale: v.optional(v.nullable(positive), 0.707),
    layer_types: slidingTypes,
    mlp_layer_types: mlpTypes,
  },
  typedRotations: {
    full_attention: { rope_theta: 5e6, partial_rotary_factor: 0.334 },
    sliding_attention: { rope_theta: 10_000, partial_rotary_factor: 0.334 },
  },
  decoder: (config, file) => {
    const { num_hidden_layers: layers, attention_value_scale: valueScale, sliding_window: window } = config;
    const slides = slidingLayers(
      config.layer_types,
      layers,
      file,
      (index) => index > 0 && (index + 1) % 6 !== 0,
    );
    const mlpOf = denseOr(
      config,
      sigmoidMoe(config, file, 0),
      denseByTypes(config.mlp_layer_types, config, file, 1),
    );
    const variant = attentionVariants(file);
    return decoderConfig(config, file, {
      modelType: 'mimo_v2_flash',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      attention: { valueDim: config.v_head_dim, bias: { qkv: config.attention_bias, output: false } },
      // the factor on values, where it costs nothing: the output projection has no bias
      assemble(parts) {
        const { blocks } = sequentialLayer(parts);
        return {
          blocks: blocks.map((block) =>
            'mixer' in block ? { ...block, residualScale: valueScale ?? 1 } : block,
          ),
        };
      },
      layer: (index, attention) => ({
        mixer: slides(index)
          ? variant(attention, { window, sinks: true, kvHeads: 2 * attention.kvHeads })
          : attention,
        mlp: mlpOf(index),
      }),
    });
  },
});
