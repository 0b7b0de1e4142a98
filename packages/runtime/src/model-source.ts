// What the runtime needs of a model, whoever brings it: a configuration of the one decoder, its weights by place, and a
// tokenizer. `@moeq/loader` makes these from checkpoints; a source of your own needs nothing but these types.
//
// Shapes: D hidden, V vocabulary, H heads, HK key/value heads, C head dimension, E experts, F intermediate.
import type { Activation, MatrixData, MatrixHead, MlpData, MlpHead } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { MoeqError } from '@moeq/tensors';

export interface DecoderConfig {
  /** E.g. `mixtral`; for people. */
  readonly architecture: string;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: readonly LayerConfig[];
  /** Tokens that the model was made for; prompts and generation are held within. */
  readonly contextLength: number;
  readonly normEpsilon: number;
  /** Factor on embeddings; 1 except in GraniteMoE. */
  readonly embeddingScale: number;
  /** Factor on what attention and MLP add to the residual; 1 except in GraniteMoE. */
  readonly residualScale: number;
  /** Factor on the logits; 1 except in GraniteMoE, which divides by `logits_scaling`. */
  readonly logitsScale: number;
  /** The head is the embedding table. */
  readonly tiedHead: boolean;
  readonly attention: AttentionConfig;
}

export interface AttentionConfig {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly rope: RopeConfig | null;
  readonly queryKeyNorm: 'head' | 'all' | null;
  readonly bias: { readonly qkv: boolean; readonly output: boolean };
  readonly clip: number | null;
}

/** Rotary position embedding; Su et al., arXiv 2104.09864. */
export interface RopeConfig {
  readonly theta: number;
  readonly rotatedDim: number;
  readonly style: 'halves' | 'interleaved';
  /** How frequencies are changed for contexts longer than those of training; absent: not at all. */
  readonly scaling?: RopeScaling;
}

/**
 * The rules of transformers (modeling_rope_utils.py), their defaults filled in. Lengths are tokens; `originalLength` is that
 * of training.
 */
export type RopeScaling =
  /** All frequencies divided. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Low frequencies divided, high ones kept, those between blended by wavelength; Llama 3.1. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly originalLength: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
    }
  /** Theta grows with the sequence where that is longer than the original (NTK-aware). */
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalLength: number }
  /** Low frequencies divided, high ones kept, a ramp over dimensions between; YaRN, Peng et al., arXiv 2309.00071. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** The ramp begins and ends at whole dimensions. */
      readonly truncate: boolean;
      readonly attentionFactor: number;
    }
  /** Each frequency divided by a factor of its own, another one beyond the original length; LongRoPE, arXiv 2402.13753. */
  | {
      readonly kind: 'longrope';
      readonly originalLength: number;
      /** rotated / 2 each. */
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly attentionFactor: number;
    };

export interface LayerConfig {
  readonly window: number | null;
  readonly mlp: MoeConfig | DenseConfig;
}

export interface DenseConfig {
  readonly kind: 'dense';
  readonly intermediateSize: number;
  readonly activation: Activation;
}

export interface MoeConfig {
  readonly kind: 'moe';
  readonly route: RouteSpec;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly correctionBias: boolean;
  /** null: no shared expert. `gated`: its output times sigmoid(x · gate). */
  readonly shared: { readonly intermediateSize: number; readonly gated: boolean } | null;
}

/** A matrix that is read once, by place. */
export type MatrixPlace =
  | { readonly kind: 'embedding' }
  | { readonly kind: 'head' }
  | {
      readonly kind: 'attention';
      readonly layer: number;
      readonly projection: 'query' | 'key' | 'value' | 'output';
    }
  | { readonly kind: 'router'; readonly layer: number }
  | { readonly kind: 'sharedExpertGate'; readonly layer: number };

export type VectorPlace =
  | { readonly kind: 'finalNorm' }
  | { readonly kind: 'attentionNorm' | 'mlpNorm' | 'queryNorm' | 'keyNorm'; readonly layer: number }
  | {
      readonly kind: 'bias';
      readonly layer: number;
      readonly projection: 'query' | 'key' | 'value' | 'output';
    }
  | { readonly kind: 'correctionBias'; readonly layer: number };

/** Reads come straight from the checkpoint's ranges, each when asked; nothing is kept. */
export interface WeightReader {
  matrix(place: MatrixPlace): Promise<MatrixData>;
  vector(place: VectorPlace): Promise<Float32Array>;
  expert(layer: number, expert: number): Promise<MlpData>;
  mlp(layer: number, kind: 'dense' | 'shared'): Promise<MlpData>;
}

/** What a `WeightReader` will answer, from headers alone; null where only reading tells. */
export interface WeightHeads {
  matrix(place: MatrixPlace): MatrixHead | null;
  expert(layer: number, expert: number): MlpHead | null;
  mlp(layer: number, kind: 'dense' | 'shared'): MlpHead | null;
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
