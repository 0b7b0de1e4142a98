// A prompt as token ids, once for all texts that begin with it.
import type { Prompt } from '@moeq/runtime';
import { refusedBy } from './api-error.js';
import type { Ready } from './served-model.js';

/**
 * @param param the field that it comes from
 * @throws ApiError 400 for a prompt that is too long, or that the model cannot read
 */
export function promptTokens({ engine }: Ready, prompt: Prompt, param: string): readonly number[] {
  try {
    return engine.encode(prompt);
  } catch (error) {
    const tooLong = error instanceof Error && error.message.includes('by the context length');
    throw refusedBy(error, param, tooLong ? 'context_length_exceeded' : undefined);
  }
}
