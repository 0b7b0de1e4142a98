// SmolLM3 (Hugging Face; transformers models/smollm3): Llama with layers that have no rotation, by `no_rope_layers`.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { configError, count, decoderFields, flag } from '../config/config.js';
import {
  biasFields,
  denseDecoderNames,
  denseFields,
  denseMlp,
  keyHeads,
  windowFields,
  windowsOf,
} from './dense.js';
import { attentionBias, decoderConfig } from './llama.js';

export const smollm3 = defineArchitecture({
  modelTypes: ['smollm3'],
  names: denseDecoderNames,
  fields: {
    ...denseFields,
    ...biasFields,
    ...windowFields,
    sliding_window: v.optional(decoderFields.sliding_window, null),
    num_key_value_heads: keyHeads(4),
    tie_word_embeddings: flag(true),
    /** 1: the layer has a rotation. */
    no_rope_layers: v.nullish(v.array(v.picklist([0, 1]))),
    no_rope_layer_interval: v.nullish(count(1024), 4),
  },
  decoder: (config, file) => {
    const { no_rope_layers: listed, num_hidden_layers: layers, no_rope_layer_interval: interval } = config;
    if (listed != null && listed.length < layers)
      throw configError(file, `no_rope_layers of ${layers} layers`, String(listed.length));
    const turns = (index: number) => (listed == null ? (index + 1) % interval !== 0 : listed[index] === 1);
    const windowOf = windowsOf(config, file, (index) => !turns(index));
    return decoderConfig(config, file, {
      modelType: 'smollm3',
      normEpsilon: 1e-6,
      ropeTheta: 2_000_000,
      attention: { bias: attentionBias(config) },
      layer: (index, attention) => ({
        ...(turns(index)
          ? { window: windowOf(index) }
          : { mixer: { ...attention, rope: null, window: windowOf(index) } }),
        mlp: denseMlp(config),
      }),
    });
  },
});
