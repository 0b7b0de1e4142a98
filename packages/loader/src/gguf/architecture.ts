// What llama.cpp calls an architecture, as data: the model type that config.json has for it, and the fields of its metadata
// on both sides. Reading makes a config.json of them, writing makes them of the decoder's configuration; whatever has no
// field is the same in every model of the architecture and stands in `constants`. One file of families/ for each.
// https://github.com/ggml-org/llama.cpp, conversion/*.py and src/models/*.cpp.
import type { DecoderConfig, Slot } from '@moeq/runtime';
import type { GgufValue } from '@moeq/tensors';

/** A number in the metadata, `<architecture>.<key>`. */
export interface GgufField {
  readonly key: string;
  readonly type: 'u32' | 'f32';
  /** In config.json; null for what only llama.cpp needs. */
  readonly field: string | null;
  of(decoder: DecoderConfig): number | null;
}

/** The values under `<architecture>.<key>`; null where there is none. @throws MoeqError for one of another type */
export interface GgufReader {
  number(key: string): number | null;
  /** One for each layer, also where the file has one for all. */
  perLayer(key: string): readonly number[] | null;
  flag(key: string): boolean | null;
  /** Whether there is a tensor of the slot, in any layer. */
  has(slot: Slot): boolean;
}

export interface GgufArchitecture {
  /** `general.architecture` */
  readonly name: string;
  /** Of the config.json that is made of its metadata. */
  readonly modelType: string;
  /** Others that are written as it, because their decoders are the same. */
  readonly alsoWritten?: readonly string[];
  /** The class of transformers. */
  readonly className: string;
  readonly fields: readonly GgufField[];
  /** In config.json, whatever the metadata says. */
  readonly constants: Readonly<Record<string, unknown>>;
  /**
   * llama.cpp rotates neighbouring numbers of a head, transformers numbers half a head apart: the rows of query and key
   * matrices lie in an order that makes them the same.
   */
  readonly permuted: boolean;
  /** Value heads of delta nets lie in the order in which ggml repeats key heads; as in checkpoints unless given. */
  readonly tiledValueHeads?: boolean;
  /** Tensors that it names otherwise than most, with `{layer}`. */
  readonly names?: Readonly<Partial<Record<Slot, string>>>;
  /** Of architectures of one name: whether the metadata are of this one. The first that matches is taken. */
  matches?(read: GgufReader): boolean;
  /** Fields of config.json that are no number under one key. */
  config?(read: GgufReader): Readonly<Record<string, unknown>>;
  /** The keys that they come from, without the name in front. */
  metadata?(decoder: DecoderConfig): Readonly<Record<string, GgufValue | null>>;
  /** What its scaled rotations have beside the keys that all have, in the words of `rope_scaling`. */
  ropeScaling?(read: GgufReader): Readonly<Record<string, unknown>>;
  /** Numbers that lie in the file as other numbers than in checkpoints. */
  readonly values?: Readonly<Partial<Record<Slot, ValueForm>>>;
}

/** Float32 to float32, number by number. */
export interface ValueForm {
  toFile(value: number): number;
  fromFile(value: number): number;
}
