// The fields that chat and text completions share, as OpenAI names and bounds them, and the three that moeq adds as others
// do: top_k, min_p, repetition_penalty. What OpenAI takes and what has no meaning here is taken and not used.
import type { EngineGenerateOptions } from '@moeq/runtime';
import { isObject } from '@moeq/tensors';
import * as v from 'valibot';
import { badField } from './api-error.js';
import { type Limits, maxBiases, maxStopLength, maxStops } from './limits.js';
import { between, tokenCount, wholeBetween } from './numbers.js';

const stop = v.pipe(
  v.string(),
  v.minLength(1, 'expected at least one character'),
  v.maxLength(maxStopLength, `expected at most ${maxStopLength} characters`),
);

/** By token id, from -100 to 100, as OpenAI documents them. A record of valibot would pass over `__proto__`. */
const logitBias = v.pipe(
  v.custom<Readonly<Record<string, number>>>(
    (value) =>
      isObject(value) &&
      Object.entries(value).every(
        ([id, bias]) => /^\d{1,9}$/.test(id) && typeof bias === 'number' && Math.abs(bias) <= 100,
      ),
    'expected token ids with numbers from -100 to 100',
  ),
  v.check((biases) => Object.keys(biases).length <= maxBiases, `expected at most ${maxBiases} tokens`),
);

/** Vocabularies end far below; the engine knows where. */
const maxTopK = 2 ** 31 - 1;

export const sharedFields = {
  model: v.string(),
  max_tokens: v.nullish(tokenCount()),
  temperature: v.nullish(between(0, 2)),
  top_p: v.nullish(between(0, 1)),
  /** 0 and -1: all tokens. */
  top_k: v.nullish(wholeBetween(-1, maxTopK)),
  min_p: v.nullish(between(0, 1)),
  repetition_penalty: v.nullish(
    v.pipe(v.number(), v.gtValue(0, 'expected above 0'), v.maxValue(100, 'expected at most 100')),
  ),
  presence_penalty: v.nullish(between(-2, 2)),
  frequency_penalty: v.nullish(between(-2, 2)),
  logit_bias: v.nullish(logitBias),
  n: v.nullish(wholeBetween(1, 2 ** 31 - 1)),
  /** -1: another text each time, as without one. */
  seed: v.nullish(wholeBetween(-1, Number.MAX_SAFE_INTEGER)),
  stop: v.nullish(
    v.union(
      [stop, v.pipe(v.array(stop), v.maxLength(maxStops, `expected at most ${maxStops} texts`))],
      'expected a text or a list of texts, none empty or too long',
    ),
  ),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(
    v.object({ include_usage: v.nullish(v.boolean()), include_obfuscation: v.nullish(v.boolean()) }),
  ),
  /** Requests of one user take turns as one in the queue; '': as without one. */
  user: v.nullish(v.pipe(v.string(), v.maxLength(256, 'expected at most 256 characters'))),
} as const;

type SharedFields = v.InferOutput<ReturnType<typeof shared>>;
const shared = () => v.object(sharedFields);

/** The settings of a choice as the engine takes them. */
export function generateOptions(fields: SharedFields): EngineGenerateOptions {
  const { stop: stops } = fields;
  return {
    temperature: fields.temperature ?? undefined,
    // OpenAI takes 0: the likeliest token alone.
    topP: fields.top_p === 0 ? Number.EPSILON : (fields.top_p ?? undefined),
    topK: fields.top_k === -1 ? 0 : (fields.top_k ?? undefined),
    minP: fields.min_p ?? undefined,
    repetitionPenalty: fields.repetition_penalty ?? undefined,
    presencePenalty: fields.presence_penalty ?? undefined,
    frequencyPenalty: fields.frequency_penalty ?? undefined,
    logitBias: fields.logit_bias ?? undefined,
    seed: fields.seed === -1 ? undefined : (fields.seed ?? undefined),
    stopStrings: stops === null || stops === undefined ? undefined : [stops].flat(),
    client: fields.user || undefined,
  };
}

/**
 * Tokens of an answer at most; undefined: the rest of the context.
 * @param asked -1: as many as the limits and the context allow
 * @param otherwise where the request says nothing
 */
export function maxNewTokens(
  asked: number | null | undefined,
  { maxTokens }: Pick<Limits, 'maxTokens'>,
  otherwise: number | undefined,
): number | undefined {
  const count = asked === -1 ? Infinity : (asked ?? otherwise ?? Infinity);
  const most = Math.min(count, maxTokens);
  return most === Infinity ? undefined : most;
}

interface Bounds {
  readonly rules: Pick<Limits, 'maxTokens' | 'choices'> & { readonly strict: boolean };
  readonly reader: { readonly contextLength: number; readonly vocabularySize: number };
  /** Of the request. */
  readonly prompts: number;
}

/** @throws ApiError 400 for what depends on the model or on the server's limits */
export function assertWithin(
  fields: Pick<SharedFields, 'max_tokens' | 'n' | 'logit_bias' | 'stream' | 'stream_options'> & {
    readonly max_completion_tokens?: number | null | undefined;
  },
  { rules, reader: { contextLength, vocabularySize }, prompts }: Bounds,
): void {
  const most = Math.min(rules.maxTokens, contextLength);
  for (const field of ['max_tokens', 'max_completion_tokens'] as const) {
    const value = fields[field] ?? 1;
    // Else the text ends where the context or the limit does.
    if (rules.strict && value > most)
      throw badField(field, `expected at most ${most}, found ${value}`, 'invalid_value');
  }
  const choices = prompts * (fields.n ?? 1);
  if (choices > rules.choices) {
    throw badField(
      'n',
      `expected at most ${rules.choices} choices a request, found ${choices}`,
      'invalid_value',
    );
  }
  const foreign = Object.keys(fields.logit_bias ?? {}).find((id) => Number(id) >= vocabularySize);
  if (foreign !== undefined) {
    const expected = `expected token ids below ${vocabularySize}, found ${foreign}`;
    throw badField('logit_bias', expected, 'invalid_value');
  }
  if (fields.stream !== true && fields.stream_options !== null && fields.stream_options !== undefined) {
    throw badField('stream_options', 'allowed only where stream is true', 'invalid_value');
  }
}
