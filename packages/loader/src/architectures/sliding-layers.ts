// Which layers see a window of tokens only, by `layer_types` or, where config.json has none, by the rule of the model.
import * as v from 'valibot';
import { configError } from '../config/config.js';

export const slidingTypes = v.nullish(v.array(v.picklist(['full_attention', 'sliding_attention'])));

/**
 * @param layers of the model
 * @param otherwise whether a layer slides where there are no types
 * @throws MoeqError for types of more or fewer layers
 */
export function slidingLayers(
  types: v.InferOutput<typeof slidingTypes>,
  layers: number,
  file: string,
  otherwise: (layer: number) => boolean,
): (layer: number) => boolean {
  if (types == null) return otherwise;
  if (types.length !== layers)
    throw configError(file, `layer_types of ${layers} layers`, String(types.length));
  return (layer) => types[layer] === 'sliding_attention';
}
