// Rotations by type of layer: `rope_parameters` of config.json holds those of layers with a window under `sliding_attention` and
// those of layers that see all tokens under `full_attention`.
import { type DecoderConfig, layerMixer, type RopeConfig, withMixers } from '@moeq/runtime';
import { isObject, quote } from '@moeq/tensors';
import { configError } from './config.js';
import { rotaryShare } from './rotary-share.js';
import { withRotation } from './rotation.js';

type Fields = Readonly<Record<string, unknown>>;

/** Of each type what its rotation is where config.json says nothing of it. */
export interface TypedRotations {
  readonly full_attention: { readonly rope_theta: number; readonly partial_rotary_factor?: number };
  readonly sliding_attention: { readonly rope_theta: number; readonly partial_rotary_factor?: number };
  /** A config.json with `rope_parameters` by type, of one that says it in other words. */
  readonly of?: (config: Fields) => Fields;
}

/**
 * The decoder with the rotation of each type of layer, as `withRotation` for all layers.
 * @throws MoeqError naming the field that is missing or malformed, or a type of rotation that is not known
 */
export function withTypedRotations(
  decoder: DecoderConfig,
  config: Fields,
  file: string,
  absent: TypedRotations,
): DecoderConfig {
  const {
    rope_parameters: given,
    rope_theta: _,
    rope_scaling: __,
    ...others
  } = absent.of?.(config) ?? config;
  if (given != null && !isObject(given))
    throw configError(file, 'rope_parameters to be an object', quote(given));
  const slides = decoder.layers.map((layer) => {
    const mixer = layerMixer(layer);
    return mixer?.kind === 'attention' && mixer.window !== null;
  });
  const ofType = (type: 'full_attention' | 'sliding_attention'): DecoderConfig => {
    const own = given?.[type];
    if (given != null && !isObject(own))
      throw configError(file, `an object rope_parameters.${type}`, own === undefined ? 'none' : quote(own));
    const { rope_theta: theta, partial_rotary_factor: share = 1 } = absent[type];
    const parameters = { rope_parameters: own ?? absent[type] };
    // parameters that are given without a share turn all of a head, whatever the default
    const factor = rotaryShare(parameters, file, own === undefined ? share : 1);
    const layers = decoder.layers.filter((__, index) => (type === 'sliding_attention') === slides[index]);
    const turning = withMixers(layers, (mixer) => {
      if (mixer.kind !== 'attention' || mixer.rope === null) return mixer;
      return { ...mixer, rope: turned(mixer.rope, theta, Math.floor(mixer.headDim * factor), file) };
    });
    return withRotation({ ...decoder, layers: turning }, { ...others, ...parameters }, file);
  };
  const [full, sliding] = [ofType('full_attention'), ofType('sliding_attention')];
  const rest = { true: [...sliding.layers], false: [...full.layers] };
  return {
    ...decoder,
    contextLength: Math.max(full.contextLength, sliding.contextLength),
    layers: slides.flatMap((slide) => rest[`${slide}`].shift() ?? []),
  };
}

function turned(rope: RopeConfig, theta: number, rotatedDim: number, file: string): RopeConfig {
  if (rotatedDim > 0 && rotatedDim % 2 === 0) return { ...rope, theta, rotatedDim };
  throw configError(file, 'partial_rotary_factor to turn an even number of dimensions', String(rotatedDim));
}
