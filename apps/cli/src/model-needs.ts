// What a command needs of a model: its size in tokens, and what its prompts are.
import type { ModelOptions } from '@moeq/runtime';
import { Option } from 'commander';
import { wholeNumber } from './options.js';

export interface ModelNeeds extends Pick<ModelOptions, 'contextLength' | 'kvCacheTokens'> {
  /** What prompts are: without a tokenizer or template for them nothing is loaded. Token ids unless given. */
  readonly prompts?: 'text' | 'messages';
  /** Whether the command has `--cache-tokens`. */
  readonly hasCacheOption?: boolean;
}

export interface ContextOption {
  readonly context?: number;
}

/** Of commands that hold one text at a time. */
export const contextOption = (): Option =>
  new Option(
    '--context <tokens>',
    'tokens of prompt and text (default: the model’s, at most 4096)',
  ).argParser(wholeNumber({ min: 1 }));

/** The size of a model that holds one text at a time. */
export function oneText({ context }: ContextOption): ModelNeeds {
  return context === undefined ? {} : { contextLength: context, kvCacheTokens: context };
}
