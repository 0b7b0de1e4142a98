// The options of an evaluation, checked and completed.
import type { Backend } from '@moeq/kernels';
import type { ModelSource } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import type { EvaluationText } from './texts.js';
import type { WindowOptions } from './windows.js';

export interface EvaluateProgress {
  /** Of all models together; what was run through half of the layers counts half. */
  readonly tokensDone: number;
  readonly tokensTotal: number;
  /** What is being worked on. */
  readonly label: string;
}

export interface EvaluateOptions {
  /** Open sources; weights are read as they are needed, more than once for long texts. */
  readonly models: readonly ModelSource[];
  /** What the models are compared with, usually the same model unquantized. */
  readonly baseline?: ModelSource | undefined;
  readonly texts: readonly EvaluationText[];
  /** Stays the caller's. */
  readonly backend: Backend;
  /** Of each text only so many tokens, at least 2. Default: all. */
  readonly maxTokens?: number | undefined;
  /** Tokens a window. Default: the context of the model with the shortest. */
  readonly window?: number | undefined;
  /** Tokens from one window to the next. Default: the window. */
  readonly stride?: number | undefined;
  /** Awaited, so that a backend that computes in this thread yields to the event loop. */
  readonly onProgress?: ((progress: EvaluateProgress) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const optionNames: Readonly<Record<keyof EvaluateOptions, true>> = {
  models: true,
  baseline: true,
  texts: true,
  backend: true,
  maxTokens: true,
  window: true,
  stride: true,
  onProgress: true,
  signal: true,
};

/**
 * Window and stride as given, or by default.
 * @throws MoeqError for an unknown option, no model, no text, or a window longer than a context
 */
export function windowSettings(options: EvaluateOptions, sources: readonly ModelSource[]): WindowOptions {
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(optionNames, key));
  const refuse = (subject: string, expected: string, found: string) =>
    new MoeqError({ code: 'invalidOption', operation: 'evaluate', subject, expected, found });
  if (unknown !== undefined)
    throw refuse('options', `only ${Object.keys(optionNames).join(', ')}`, quote(unknown));
  if (options.models.length === 0) throw refuse('option models', 'at least one model', 'none');
  if (options.texts.length === 0) throw refuse('option texts', 'at least one text', 'none');
  const { maxTokens = 2 } = options;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 2)
    throw refuse('option maxTokens', 'a whole number of at least 2', `${maxTokens}`);
  const context = Math.min(...sources.map(({ config }) => config.contextLength));
  const { window = context, stride = window } = options;
  if (window > context)
    throw refuse('option window', `at most the context of the model, ${context}`, `${window}`);
  return { window, stride };
}
