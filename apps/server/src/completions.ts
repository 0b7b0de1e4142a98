// POST /v1/completions: texts and token ids as they stand, without a chat template.
import type { Prompt, TokenLogprobs } from '@moeq/runtime';
import type { Context } from 'hono';
import * as v from 'valibot';
import { Answer } from './answer.js';
import { badField } from './api-error.js';
import { clientOf } from './client.js';
import { assertWithin, generateOptions, sharedFields } from './fields.js';
import { parseFields, readJson } from './json-body.js';
import type { Limits } from './limits.js';
import { type CompletionLogprobs, completionLogprobs, ShownLogprobs } from './logprobs.js';
import { wholeBetween } from './numbers.js';
import { eventStream, finishReason, headOf, type Send, usageOf } from './openai.js';
import { promptTokens } from './prompt-tokens.js';
import type { Ready, Service } from './served-model.js';

const ids = v.pipe(
  v.array(v.pipe(v.number(), v.safeInteger('expected token ids'), v.minValue(0, 'expected token ids'))),
  v.minLength(1),
);

const completionRequest = v.strictObject({
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

type CompletionRequest = v.InferOutput<typeof completionRequest>;

export async function completions(c: Context, service: Service, limits: Limits): Promise<Response> {
  const request = parseFields(completionRequest, await readJson(c.req.raw));
  const ready = service.require(request.model);
  const { contextLength, config } = ready.model;
  const prompts = promptsOf(request.prompt);
  const bounds = { limits, contextLength, vocabularySize: config.vocabularySize, prompts: prompts.length };
  assertWithin(request, bounds);
  const n = request.n ?? 1;
  if (typeof request.best_of === 'number' && request.best_of !== n) {
    throw badField('best_of', 'expected the same as n; ranking is not supported', 'unsupported_value');
  }
  const shared = generateOptions(request);
  const wanted = prompts.flatMap((prompt) => {
    const tokenIds = promptTokens(ready, prompt, 'prompt');
    return Array.from({ length: n }, (_, stream) => ({
      tokenIds,
      options: {
        ...shared,
        client: shared.client ?? clientOf(c),
        stream,
        // OpenAI's default of this endpoint.
        maxNewTokens: request.max_tokens ?? 16,
        logprobs: request.logprobs ?? undefined,
      },
    }));
  });
  const answer = new Answer(ready, wanted, limits, c.req.raw.signal, 'prompt');
  const shown = wanted.map(() => new ShownLogprobs(ready.model));
  if (request.stream !== true) return whole(c, request, ready, answer, shown);
  const write = (send: Send) => writeChunks(send, request, ready, answer, shown);
  return eventStream(c, write, answer.abort, service.report);
}

async function whole(
  c: Context,
  request: CompletionRequest,
  ready: Ready,
  answer: Answer,
  shown: readonly ShownLogprobs[],
): Promise<Response> {
  const entries = shown.map((): TokenLogprobs[] => []);
  const results = await answer.read((piece, index) => {
    entries[index]?.push(...(shown[index]?.take(piece) ?? []));
  });
  // Nobody reads it; the status is nginx's, for logs.
  if (results === null) return new Response(null, { status: 499 });
  return c.json({
    ...headOf('cmpl', 'text_completion', ready),
    choices: results.map((result, index) => ({
      index,
      text: result.text,
      logprobs: logprobsOf(request, ready, entries[index] ?? [], 0)?.told ?? null,
      finish_reason: finishReason(result.finishReason),
    })),
    usage: usageOf(results, request.n ?? 1),
  });
}

async function writeChunks(
  send: Send,
  request: CompletionRequest,
  ready: Ready,
  answer: Answer,
  shown: readonly ShownLogprobs[],
): Promise<void> {
  const wantsUsage = request.stream_options?.include_usage === true;
  const head = { ...headOf('cmpl', 'text_completion', ready), ...(wantsUsage && { usage: null }) };
  /** Where the next token begins: some of its text may be shown already, as a stop text may cut it. */
  const offsets = shown.map(() => 0);
  const results = await answer.read(async (piece, index) => {
    const logprobs = logprobsOf(request, ready, shown[index]?.take(piece) ?? [], offsets[index] ?? 0);
    offsets[index] = logprobs?.end ?? 0;
    const reason = piece.result === null ? null : finishReason(piece.result.finishReason);
    if (piece.text === '' && reason === null) return;
    await send({
      ...head,
      choices: [{ index, text: piece.text, logprobs: logprobs?.told ?? null, finish_reason: reason }],
    });
  });
  if (results === null || !wantsUsage) return;
  await send({ ...head, choices: [], usage: usageOf(results, request.n ?? 1) });
}

function logprobsOf(
  { logprobs }: CompletionRequest,
  { model }: Ready,
  entries: readonly TokenLogprobs[],
  offset: number,
): { readonly told: CompletionLogprobs; readonly end: number } | null {
  if (logprobs === null || logprobs === undefined) return null;
  return completionLogprobs(model.tokenizer, entries, offset);
}

function promptsOf(prompt: CompletionRequest['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [prompt];
  const [first] = prompt;
  if (typeof first === 'number') return [prompt as number[]];
  return prompt as (string | number[])[];
}
