// How much of a head turns. As in transformers (convert_rope_params_to_dict), what stands within the parameters of the rotation
// wins over what stands beside them.
import { isObject, quote } from '@moeq/tensors';
import * as v from 'valibot';
import { configError } from './config.js';

/** Read here and nowhere else; what else they hold is read with the rotation. */
export const rotaryShareFields = {
  partial_rotary_factor: v.optional(v.unknown()),
  rope_parameters: v.optional(v.unknown()),
  rope_scaling: v.optional(v.unknown()),
};

type Fields = Readonly<Partial<Record<keyof typeof rotaryShareFields, unknown>>>;

/**
 * @param absent where the file has none
 * @throws MoeqError for one that is no number from 0 to 1
 */
export function rotaryShare(config: Fields, file: string, absent: number): number {
  const parameters = [config.rope_scaling, config.rope_parameters].find(
    (value) => isObject(value) && Object.keys(value).length > 0,
  );
  const within = isObject(parameters) ? parameters['partial_rotary_factor'] : undefined;
  const share = within ?? config.partial_rotary_factor ?? absent;
  if (typeof share === 'number' && share > 0 && share <= 1) return share;
  throw configError(file, 'partial_rotary_factor to be a number above 0, at most 1', quote(share));
}
