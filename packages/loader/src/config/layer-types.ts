// Which layers are of which type, by `layer_types` or, where config.json has none, by the rule of the model.
import * as v from 'valibot';
import { configError } from './config.js';

export const slidingTypes = v.nullish(v.array(v.picklist(['full_attention', 'sliding_attention'])));
export const linearTypes = v.nullish(v.array(v.picklist(['full_attention', 'linear_attention'])));

/** @throws MoeqError for types of more or fewer layers than the model has */
export function assertLayerTypes(types: readonly string[], layers: number, file: string): void {
  if (types.length !== layers)
    throw configError(file, `layer_types of ${layers} layers`, String(types.length));
}

/**
 * @param layers of the model
 * @param otherwise whether a layer has the type where there are no types
 * @throws MoeqError for types of more or fewer layers
 */
function layersOfType<Type extends string>(type: Type) {
  return (
    types: readonly (Type | 'full_attention')[] | null | undefined,
    layers: number,
    file: string,
    otherwise: (layer: number) => boolean,
  ): ((layer: number) => boolean) => {
    if (types == null) return otherwise;
    assertLayerTypes(types, layers, file);
    return (layer) => types[layer] === type;
  };
}

/** Which layers see a window of tokens only. */
export const slidingLayers = layersOfType('sliding_attention');

/**
 * The window of each layer, in tokens; null where it sees all of them.
 * @param slides which layers see a window
 * @param window `sliding_window`
 * @throws MoeqError for layers that see a window where there is none
 */
export function windowsOf(
  slides: (layer: number) => boolean,
  window: number | null | undefined,
  layers: number,
  file: string,
): (layer: number) => number | null {
  const first = Array.from({ length: layers }, (_, layer) => layer).find(slides);
  if (first === undefined) return () => null;
  if (!window) {
    const expected = `sliding_window to be a number of tokens, as layer ${first} has sliding attention`;
    throw configError(file, expected, String(window ?? 'none'));
  }
  return (layer) => (slides(layer) ? window : null);
}

/** Which layers have linear attention: states in place of keys and values. */
export const linearLayers = layersOfType('linear_attention');
