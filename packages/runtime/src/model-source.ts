// What the runtime needs of a model: a configuration of the one decoder, its weights by slot, and a tokenizer.
// `@moeq/loader` makes these from checkpoints; a source of your own needs nothing but these types.
import type { MatrixData, MatrixHead } from '@moeq/kernels';
import type { MoeqError } from '@moeq/tensors';
import type { DecoderConfig } from './decoder/config.js';
import type { Slot, TensorPosition } from './decoder/decoder-tensors.js';

/** Which tensors of the decoder a source holds: gate and up of a layer's experts are two matrices or one. */
interface WeightIndex {
  /** Whether there is a matrix of a slot; for one expert where the position names one, wherever it lies. */
  has(slot: Slot, at?: TensorPosition): boolean;
}

/** Reads come straight from the checkpoint's ranges, each when asked; nothing is kept. */
export interface WeightReader extends WeightIndex {
  /**
   * A matrix [N, K], or a vector [N] in a float dtype or quantized; of an expert slot that of one expert.
   * @throws MoeqError for a tensor that is not there
   */
  read(slot: Slot, at?: TensorPosition): Promise<MatrixData>;
}

/** What a `WeightReader` will answer, from headers alone. */
export interface WeightHeads extends WeightIndex {
  /** Of a matrix; null where only reading tells. */
  head(slot: Slot, at?: TensorPosition): MatrixHead | null;
}

export interface Tokenizer {
  /** Ids of a text; `addSpecialTokens` puts the tokenizer's own beginning before it. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** Text of ids; bytes that are no UTF-8 (yet) come as U+FFFD. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** Ids from 0 to this minus one. */
  readonly vocabularySize: number;
  /**
   * The bytes that a token adds to a text, for constrained decoding; null for special tokens and ids without one. Absent
   * where the tokenizer's decoder has none to tell.
   */
  tokenBytes?(id: number): Uint8Array | null;
}

/**
 * A message as chat templates see it: role, content, and any further JSON field (`name`, `tool_calls`, `tool_call_id`,
 * `reasoning_content`, `id`, ...), all of which reach the template. Numbers keep their form where they are a `JsonNumber`,
 * or a bigint; objects whose order matters may be a Map.
 */
export interface ChatMessage {
  readonly role: string;
  /** Text; null or absent where there is none; or parts, which reach a template that iterates them and are joined else. */
  readonly content?: string | null | readonly object[];
  /**
   * `function.arguments` of each call may be an object, or the text of one, as OpenAI's clients send it: the template has
   * the text where it prints it, joins it or asks whether it is a string, and a map where it uses it as one.
   */
  readonly tool_calls?: readonly object[] | null | undefined;
  readonly [field: string]: unknown;
}

export interface ChatOptions {
  /** Functions that the model may call, in OpenAI's form. */
  readonly tools?: readonly object[] | undefined;
  /** Documents to answer from, objects with `title` and `text`, for templates that know them. */
  readonly documents?: readonly object[] | undefined;
  /**
   * Variables of the template, e.g. `enable_thinking` (`chat_template_kwargs` of other servers): JSON values under any name
   * but `messages`. They go before special tokens and `add_generation_prompt`, which is true else.
   */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  /**
   * Which template, where the model has several; by default `tool_use` where there is one and tools are given, else
   * `default`.
   */
  readonly template?: string | undefined;
}

/** generation_config.json, the fields that sampling uses; absent fields leave the runtime's defaults. */
export interface GenerationDefaults {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly maxNewTokens?: number;
  readonly greedy?: boolean;
}

export interface ModelSource {
  /** The reference it was opened by, e.g. `tiny-moe` or a path. */
  readonly name: string;
  readonly config: DecoderConfig;
  readonly weights: WeightReader;
  /** With them, what does not fit is refused before a weight is read. */
  readonly heads?: WeightHeads;
  /** null: a checkpoint without a tokenizer, usable with token ids only. */
  readonly tokenizer: Tokenizer | null;
  /** The prompt of a conversation; null where there is no chat template. */
  readonly formatChat: ((messages: readonly ChatMessage[], options?: ChatOptions) => string) | null;
  /** Why there is no tokenizer although the model comes with one: it cannot be read. */
  readonly unreadableTokenizer?: MoeqError;
  readonly stopTokenIds: readonly number[];
  readonly generation: GenerationDefaults;
  close(): Promise<void>;
}
