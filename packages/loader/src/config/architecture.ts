// An architecture is data: the model types it answers to, how its config.json becomes the configuration of the one
// decoder, and which names its checkpoints use for the decoder's tensors. Each has a file of its own in architectures/.
import type { DecoderConfig, Slot } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import * as v from 'valibot';
import { inWordsOf, parseConfig } from './config.js';
import { withRotation } from './rotation.js';
import { type TypedRotations, withTypedRotations } from './typed-rotations.js';

/**
 * Names of the tensors of a slot, with `{layer}` and `{expert}` for numbers; several where layouts differ. A name of an
 * expert slot without `{expert}` is a fused tensor [E, N, K].
 */
export type TensorNames = Readonly<Partial<Record<Slot, readonly string[]>>>;

/** How the plain tensor of a slot that holds all experts of a layer lies in files. */
export interface Arrangement {
  /** [E, K, N] in place of [E, N, K]. */
  readonly transposed?: boolean;
  /** The matrices of all experts one below the other, [E N, K]; where they are transposed, [E K, N]. */
  readonly flat?: boolean;
  /** Rows are gate, up, gate, up, in place of all gates and then all ups. */
  readonly interleaved?: boolean;
}

export interface Architecture {
  /** `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  readonly names: TensorNames;
  /** What the names of the decoder's tensors begin with, all but the head's. */
  readonly prefix: string;
  /** The part of config.json that is about the language model: all of it, except in composites. */
  textOf(config: Readonly<Record<string, unknown>>, file: string): Readonly<Record<string, unknown>>;
  /** Of slots whose fused tensors lie otherwise in files than the decoder has them. */
  readonly fused?: Readonly<Partial<Record<Slot, Arrangement>>>;
  /** Names, without the prefix, of tensors within layers that are carried along and not run. */
  readonly leftAside?: RegExp;
  /**
   * @param file name of the config, for messages
   * @throws MoeqError naming the field that is missing, of a wrong type or out of bounds
   */
  decoder(config: Readonly<Record<string, unknown>>, file: string): DecoderConfig;
  /**
   * The same, where the tensors matter and not their use: a rotation that is malformed or not known is no error.
   * @throws MoeqError for all other fields
   */
  read(config: Readonly<Record<string, unknown>>, file: string): ReadDecoder;
}

interface ReadDecoder {
  /** Where there is a refusal, with a rotation that is not the model's. */
  readonly decoder: DecoderConfig;
  /** Why the model cannot be run; null: it can. */
  readonly refusal: MoeqError | null;
}

/**
 * An architecture from its parts: `fields` is the schema of config.json, `decoder` gets what it parsed. The rotation is read
 * apart, by rules that are the same for all of them; `decoder` gives its default.
 */
export function defineArchitecture<Fields extends v.ObjectEntries>(parts: {
  readonly modelTypes: readonly string[];
  readonly names: TensorNames;
  readonly fused?: Architecture['fused'];
  readonly leftAside?: RegExp;
  /** `model.` unless given. */
  readonly prefix?: string;
  readonly fields: Fields;
  /** Other names of fields, beside those that all architectures know: of files, then of `fields`. */
  readonly aliases?: readonly (readonly [alias: string, name: string])[];
  /** The parameters of the rotation where config.json has none; none unless given. */
  readonly rotation?: Readonly<Record<string, unknown>>;
  /** Where layers with a window have another rotation than the others: what they are unless config.json says so. */
  readonly typedRotations?: TypedRotations;
  decoder(config: v.InferOutput<v.ObjectSchema<Fields, undefined>>, file: string): DecoderConfig;
  /** Of architectures whose layers differ in their rotations: what follows from the one that config.json gives them all. */
  turned?(decoder: DecoderConfig, config: v.InferOutput<v.ObjectSchema<Fields, undefined>>): DecoderConfig;
}): Architecture {
  const schema = v.object(parts.fields);
  const read: Architecture['read'] = (config, file) => {
    const { parsed, decoder } = inWordsOf(config, parts.aliases, () => {
      const parsed = parseConfig(schema, config, file, parts.aliases) as v.InferOutput<
        v.ObjectSchema<Fields, undefined>
      >;
      return { parsed, decoder: parts.decoder(parsed, file) };
    });
    try {
      const turned =
        parts.typedRotations === undefined
          ? withRotation(decoder, config, file, parts.rotation)
          : withTypedRotations(decoder, config, file, parts.typedRotations);
      return { decoder: parts.turned?.(turned, parsed) ?? turned, refusal: null };
    } catch (error) {
      if (MoeqError.isInstance(error)) return { decoder, refusal: error };
      throw error;
    }
  };
  return {
    modelTypes: parts.modelTypes,
    names: parts.names,
    prefix: parts.prefix ?? 'model.',
    textOf: (config) => config,
    ...(parts.fused !== undefined && { fused: parts.fused }),
    ...(parts.leftAside !== undefined && { leftAside: parts.leftAside }),
    read,
    decoder(config, file) {
      const { decoder, refusal } = read(config, file);
      if (refusal !== null) throw refusal;
      return decoder;
    },
  };
}
