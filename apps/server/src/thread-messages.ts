// What goes between the server and its thread for prompts.
import type { ErrorFacts } from '@moeq/tensors';
import type { ApiErrorFacts } from './api-error.js';
import type { Kind, Preparations, Rules } from './prepare.js';

/** The model whose tokenizer and chat template the thread opens by itself. */
export interface ThreadModel {
  /** What the loader opens: a folder, a .gguf file, a URL, `hf:org/name`, `tiny-moe`. */
  readonly reference: string;
  /** The files of a folder may be links to files anywhere. */
  readonly allowLinks?: boolean | undefined;
  readonly name: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
}

export interface ToThread {
  readonly id: number;
  readonly kind: Kind;
  readonly body: ArrayBuffer;
  readonly rules: Rules;
}

export type FromThread = { readonly id: number } & (
  | { readonly prepared: ReturnType<Preparations[Kind]> }
  | { readonly refusal: ApiErrorFacts }
  /** An error that is the server's own: a MoeqError's facts, or the sentence of another. */
  | { readonly failure: ErrorFacts | string }
);
