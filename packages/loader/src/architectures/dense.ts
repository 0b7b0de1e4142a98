// What decoders without experts share: one dense MLP in every layer, perhaps with biases, and windows of Qwen's words.
import type { DenseConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import {
  configError,
  count,
  type DecoderFields,
  decoderFields,
  flag,
  layerNumber,
  width,
} from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { biasNames, denseNames, llamaNames } from './llama.js';

const mlp = 'model.layers.{layer}.mlp';

/** Attention and a gated MLP, biases included. */
export const denseDecoderNames = {
  ...llamaNames,
  ...biasNames,
  ...denseNames,
  denseGateBias: [`${mlp}.gate_proj.bias`],
  denseUpBias: [`${mlp}.up_proj.bias`],
  denseDownBias: [`${mlp}.down_proj.bias`],
} as const satisfies TensorNames;

export const denseFields = { ...decoderFields, intermediate_size: width };

export const biasFields = { attention_bias: flag(false), mlp_bias: flag(false) };

export function denseMlp(
  config: Pick<DecoderFields, 'hidden_act'> & { intermediate_size: number; mlp_bias?: boolean },
): DenseConfig {
  return {
    kind: 'dense',
    intermediateSize: config.intermediate_size,
    activation: config.hidden_act,
    bias: config.mlp_bias ?? false,
  };
}

/** Windows from some layer on, or in the layers that `layer_types` names. */
export const windowFields = {
  use_sliding_window: flag(false),
  sliding_window: v.optional(decoderFields.sliding_window, 4096),
  max_window_layers: v.nullish(layerNumber, 28),
  layer_types: slidingTypes,
};

type WindowConfig = Pick<DecoderFields, 'num_hidden_layers'> &
  v.InferOutput<v.ObjectSchema<typeof windowFields, undefined>>;

/**
 * @param otherwise whether a layer has a window where there are no `layer_types`; by `max_window_layers` unless given
 * @returns tokens that one sees in a layer; null: all before it
 * @throws MoeqError for types of layers that have no window
 */
export function windowsOf(
  config: WindowConfig,
  file: string,
  otherwise = (layer: number) => layer >= config.max_window_layers,
): (layer: number) => number | null {
  const { layer_types: types, num_hidden_layers: layers, use_sliding_window: used } = config;
  const window = (used ? config.sliding_window : null) || null;
  const slides = slidingLayers(types, layers, file, otherwise);
  if (window === null && types?.includes('sliding_attention') === true) {
    const expected = 'use_sliding_window and a sliding_window for the sliding_attention of layer_types';
    throw configError(file, expected, `${used} and ${config.sliding_window}`);
  }
  return (layer) => (slides(layer) ? window : null);
}

/** Key/value heads where the field is absent; as many as heads where it is null. */
export const keyHeads = (absent: number) => v.optional(v.nullable(count(4096)), absent);
