// The options of an evaluation, checked and completed.
import type { Backend } from '@moeq/kernels';
import type { ModelSource } from '@moeq/runtime';
import { checkOptions, checks, type OptionChecks, optionError } from '@moeq/tensors';
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

/** Texts and windows have their own readers. */
const known: OptionChecks<EvaluateOptions> = {
  models: checks.list,
  baseline: checks.objectWith('an open model', 'config'),
  texts: checks.list,
  backend: checks.objectWith('a backend', 'specificationVersion'),
  maxTokens: checks.integer({ min: 2 }),
  window: checks.anything,
  stride: checks.anything,
  onProgress: checks.callback,
  signal: checks.signal,
};

/**
 * Window and stride as given, or by default.
 * @throws MoeqError for a wrong option, no model, no text, or a window longer than a context
 */
export function windowSettings(options: EvaluateOptions, sources: readonly ModelSource[]): WindowOptions {
  checkOptions('evaluate', options, known);
  const refuse = (subject: string, expected: string, found: string) =>
    optionError('evaluate', subject, expected, found);
  if (options.models.length === 0) throw refuse('option models', 'at least one model', 'none');
  if (options.texts.length === 0) throw refuse('option texts', 'at least one text', 'none');
  const context = Math.min(...sources.map(({ config }) => config.contextLength));
  const { window = context, stride = window } = options;
  if (window > context)
    throw refuse('option window', `at most the context of the model, ${context}`, `${window}`);
  return { window, stride };
}
