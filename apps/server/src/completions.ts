// POST /v1/completions: texts and token ids as they stand, without a chat template.
import type { TokenLogprobs } from '@moeq/runtime';
import type { Context } from 'hono';
import { Answer } from './answer.js';
import { clientOf } from './client.js';
import type { CompletionRequest } from './completion-request.js';
import { generateOptions, maxNewTokens } from './fields.js';
import type { Limits } from './limits.js';
import { type CompletionLogprobs, completionLogprobs, ShownLogprobs } from './logprobs.js';
import { eventStream, finishReason, headOf, type Send, usageOf } from './openai.js';
import type { Ready, Service } from './served-model.js';

/** OpenAI's default of this endpoint. */
const defaultTokens = 16;

type CompletionFields = Omit<CompletionRequest, 'prompt'>;

export async function completions(c: Context, service: Service, limits: Limits): Promise<Response> {
  const { fields, prompts, ready } = await service.prepare('completion', c.req.raw);
  const n = fields.n ?? 1;
  const shared = generateOptions(fields);
  const wanted = prompts.flatMap((tokenIds) =>
    Array.from({ length: n }, (_, stream) => ({
      tokenIds,
      options: {
        ...shared,
        client: shared.client ?? clientOf(c),
        stream,
        maxNewTokens: maxNewTokens(fields.max_tokens, limits, defaultTokens),
        logprobs: fields.logprobs ?? undefined,
      },
    })),
  );
  const answer = new Answer(ready, wanted, limits, c.req.raw.signal, 'prompt');
  const shown = wanted.map(() => new ShownLogprobs(ready.model));
  if (fields.stream !== true) return whole(c, fields, ready, answer, shown);
  const write = (send: Send) => writeChunks(send, fields, ready, answer, shown);
  return eventStream(c, write, answer.abort, service.report);
}

async function whole(
  c: Context,
  request: CompletionFields,
  ready: Ready,
  answer: Answer,
  shown: readonly ShownLogprobs[],
): Promise<Response> {
  const entries = shown.map((): TokenLogprobs[] => []);
  const results = await answer.read((piece, index) => {
    entries[index]?.push(...(shown[index]?.take(piece) ?? []));
  });
  // The client has gone; the status is nginx's, for logs.
  if (results === null) return new Response(null, { status: 499 });
  return c.json({
    ...headOf('cmpl', 'text_completion', ready),
    choices: results.map((result, index) => ({
      index,
      text: result.text,
      logprobs: logprobsOf(request, ready, entries[index] ?? [], 0)?.reported ?? null,
      finish_reason: finishReason(result.finishReason),
    })),
    usage: usageOf(results, request.n ?? 1),
  });
}

async function writeChunks(
  send: Send,
  request: CompletionFields,
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
      choices: [{ index, text: piece.text, logprobs: logprobs?.reported ?? null, finish_reason: reason }],
    });
  });
  if (results === null || !wantsUsage) return;
  await send({ ...head, choices: [], usage: usageOf(results, request.n ?? 1) });
}

function logprobsOf(
  { logprobs }: CompletionFields,
  { model }: Ready,
  entries: readonly TokenLogprobs[],
  offset: number,
): { readonly reported: CompletionLogprobs; readonly end: number } | null {
  if (logprobs === null || logprobs === undefined) return null;
  return completionLogprobs(model.tokenizer, entries, offset);
}
