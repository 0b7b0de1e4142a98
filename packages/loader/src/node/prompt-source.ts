// Tokenizer and chat template of a model without its weights, for a thread that reads prompts beside the one that runs it.
import type { PromptSource } from '@moeq/runtime';
import { readTextParts } from '../files/text-files.js';
import { type ResolveOptions, resolveModel } from './resolve-model.js';

export interface PromptSourceOptions extends ResolveOptions {
  /** What the model is called, in messages. */
  readonly name: string;
  /** Of the model: every id of the tokenizer is below it. */
  readonly vocabularySize: number;
}

/** @throws MoeqError as `openModel` does for these files */
export async function openPromptSource(
  reference: string,
  { name, vocabularySize, ...options }: PromptSourceOptions,
): Promise<PromptSource> {
  const files = await resolveModel(reference, options);
  return { name, config: { vocabularySize }, ...(await readTextParts(files, vocabularySize)) };
}
