// An architecture is data: the model types it answers to, how its config.json becomes the configuration of the one
// decoder, and which names its checkpoints use for the decoder's tensors. Each has a file of its own in architectures/.
import type { DecoderConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { parseConfig } from './config.js';
import type { Slot } from './slots.js';

/**
 * Names of the tensors of a slot, with `{layer}` and `{expert}` for numbers; several where layouts differ. A name of an
 * expert slot without `{expert}` is a fused tensor [E, N, K].
 */
export type TensorNames = Readonly<Partial<Record<Slot, readonly string[]>>>;

export interface Architecture {
  /** `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  readonly names: TensorNames;
  /**
   * @param file name of the config, for messages
   * @throws MoeqError naming the field that is missing, of a wrong type or out of bounds
   */
  decoder(config: Readonly<Record<string, unknown>>, file: string): DecoderConfig;
}

/** An architecture from its parts: `fields` is the schema of config.json, `decoder` gets what it parsed. */
export function defineArchitecture<Fields extends v.ObjectEntries>(parts: {
  readonly modelTypes: readonly string[];
  readonly names: TensorNames;
  readonly fields: Fields;
  decoder(config: v.InferOutput<v.ObjectSchema<Fields, undefined>>, file: string): DecoderConfig;
}): Architecture {
  const schema = v.object(parts.fields);
  return {
    modelTypes: parts.modelTypes,
    names: parts.names,
    decoder: (config, file) =>
      parts.decoder(
        parseConfig(schema, config, file) as v.InferOutput<v.ObjectSchema<Fields, undefined>>,
        file,
      ),
  };
}
