// The body of POST /v1/completions.
import type { Prompt } from '@moeq/runtime';
import * as v from 'valibot';
import { sharedFields } from './fields.js';
import { wholeBetween } from './numbers.js';

const ids = v.pipe(
  v.array(v.pipe(v.number(), v.safeInteger('expected token ids'), v.minValue(0, 'expected token ids'))),
  v.minLength(1),
);

export const completionRequest = v.object({
  ...sharedFields,
  prompt: v.union(
    [v.string(), ids, v.pipe(v.array(v.string()), v.minLength(1)), v.pipe(v.array(ids), v.minLength(1))],
    'expected a text, a list of texts, a list of token ids, or a list of such lists',
  ),
  logprobs: v.nullish(wholeBetween(0, 5)),
  // Only what changes nothing.
  echo: v.nullish(v.literal(false, 'expected false; echo is not supported')),
  suffix: v.nullish(v.literal('', 'expected none; suffix is not supported')),
  best_of: v.nullish(v.number()),
});

export type CompletionRequest = v.InferOutput<typeof completionRequest>;

export function promptsOf(prompt: CompletionRequest['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  const [first] = prompt;
  if (typeof first === 'number') return [prompt as number[]];
  return prompt as (string | number[])[];
}
