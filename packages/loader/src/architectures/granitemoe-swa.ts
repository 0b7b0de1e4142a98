// GraniteMoE with sinks (transformers models/granitemoe_swa): a window in all layers but every fourth, and a theta of its own in
// each layer, 0 where it does not turn.
import { type AttentionConfig, withMixers } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { configError, positive } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { graniteDecoder, graniteFields, graniteNames } from './granitemoe.js';

export const graniteMoeSwa = defineArchitecture({
  modelTypes: ['granitemoe_swa'],
  names: { ...graniteNames, sinks: ['model.layers.{layer}.self_attn.sinks'] },
  fields: {
    ...graniteFields,
    sliding_window: v.optional(graniteFields.sliding_window, 128),
    layer_types: slidingTypes,
    layer_rope_theta: v.nullish(
      v.array(v.nullable(v.union([v.literal(0), positive], 'a number from 0')), 'a list of thetas'),
    ),
  },
  decoder: (config, file) => {
    const { num_hidden_layers: layers, layer_rope_theta: thetas } = config;
    if (thetas != null && thetas.length !== layers)
      throw configError(file, `layer_rope_theta of ${layers} layers`, String(thetas.length));
    const slides = slidingLayers(config.layer_types, layers, file, (layer) => layer % 4 !== 0);
    const windowOf = windowsOf(slides, config.sliding_window, config.num_hidden_layers, file);
    return graniteDecoder(config, file, {
      attention: { sinks: true },
      window: windowOf,
    });
  },
  turned(decoder, { layer_rope_theta: thetas }) {
    if (thetas == null) return decoder;
    const known = new Map<string, AttentionConfig>();
    const layers = decoder.layers.flatMap((layer, index) =>
      withMixers([layer], (mixer) => {
        if (mixer.kind !== 'attention' || mixer.rope === null) return mixer;
        const theta = thetas[index] || 0;
        const key = `${theta} ${mixer.window}`;
        const own = known.get(key) ?? { ...mixer, rope: theta === 0 ? null : { ...mixer.rope, theta } };
        known.set(key, own);
        return own;
      }),
    );
    return { ...decoder, layers };
  },
});
