// Gemma 3 (https://arxiv.org/abs/2503.19786; transformers models/gemma3): windows with a rotation of their own, norms before and
// after attention and MLP whose weights lie in files less one, RMS norms over each head of queries and keys.
import type { LayerConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { count, decoderFields, flag, positive } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { denseDecoderNames, denseFields, denseMlp, keyHeads } from './dense.js';
import { attentionBias, decoderConfig, queryKeyNormNames } from './llama.js';

const layer = 'model.layers.{layer}';
const theta = { full: 1e6, sliding: 10_000 };

/** `rope_theta`, `rope_scaling` and `rope_local_base_freq`, as files before transformers 5 have them, by type of layer. */
function typed(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { rope_parameters: given, rope_scaling: scaling, rope_local_base_freq: local, ...others } = config;
  if (given != null) return config;
  const { rope_theta: full } = config;
  const rope_parameters = {
    full_attention: { ...(scaling ?? {}), rope_theta: full ?? theta.full },
    sliding_attention: { rope_theta: local ?? theta.sliding },
  };
  return { ...others, rope_parameters };
}

/** Sizes are those of transformers' class, which files of the hub leave out. */
const fields = {
  ...denseFields,
  vocab_size: v.optional(decoderFields.vocab_size, 262_208),
  num_attention_heads: v.optional(decoderFields.num_attention_heads, 8),
  num_key_value_heads: keyHeads(4),
  head_dim: v.optional(decoderFields.head_dim, 256),
  max_position_embeddings: v.optional(decoderFields.max_position_embeddings, 131_072),
  tie_word_embeddings: flag(true),
  hidden_activation: v.optional(decoderFields.hidden_act, 'gelu_pytorch_tanh'),
  attention_bias: flag(false),
  query_pre_attn_scalar: v.nullish(positive, 256),
  sliding_window: v.optional(decoderFields.sliding_window, 4096),
  sliding_window_pattern: v.nullish(count(1024), 6),
  layer_types: slidingTypes,
  final_logit_softcapping: v.nullish(positive),
  attn_logit_softcapping: v.optional(v.null('null: scores are not capped')),
  use_bidirectional_attention: v.nullish(v.literal(false, 'false: attention is causal')),
};

export const gemma3Text = defineArchitecture({
  modelTypes: ['gemma3_text'],
  names: {
    ...denseDecoderNames,
    ...queryKeyNormNames,
    mixerPostNorm: [`${layer}.post_attention_layernorm.weight`],
    mlpNorm: [`${layer}.pre_feedforward_layernorm.weight`],
    mlpPostNorm: [`${layer}.post_feedforward_layernorm.weight`],
  },
  fields,
  typedRotations: {
    full_attention: { rope_theta: theta.full },
    sliding_attention: { rope_theta: theta.sliding },
    of: typed,
  },
  decoder: (config, file) => {
    const { layer_types: types, num_hidden_layers: layers, sliding_window_pattern: period } = config;
    const slides = slidingLayers(types, layers, file, (index) => (index + 1) % period !== 0);
    const windowOf = windowsOf(slides, config.sliding_window, layers, file);
    const { final_logit_softcapping: cap } = config;
    const mlp = denseMlp({ ...config, hidden_act: config.hidden_activation });
    const decoder = decoderConfig(config, file, {
      modelType: 'gemma3_text',
      normEpsilon: 1e-6,
      ropeTheta: theta.full,
      norm: { weight: 'lessOne' },
      embeddingScale: config.hidden_size ** 0.5,
      attention: {
        scale: config.query_pre_attn_scalar ** -0.5,
        queryKeyNorm: 'head',
        bias: attentionBias(config),
      },
      layer: (index) => ({ window: windowOf(index), mlp }),
      assemble: ({ mixer, mlp: ofLayer, norm }): LayerConfig => ({
        blocks: [
          {
            mixer,
            norm: { slot: 'mixerNorm', ...norm },
            postNorm: { slot: 'mixerPostNorm', ...norm },
            residualScale: 1,
          },
          {
            mlp: ofLayer,
            norm: { slot: 'mlpNorm', ...norm },
            postNorm: { slot: 'mlpPostNorm', ...norm },
            residualScale: 1,
          },
        ],
      }),
    });
    return { ...decoder, ...(cap != null && { logitsCap: cap }) };
  },
});

/** With a tower for images, which is carried along. */
export const gemma3 = composite(gemma3Text, {
  modelTypes: ['gemma3'],
  path: ['text_config'],
  prefix: 'language_model.model.',
  head: 'language_model.lm_head.weight',
});
