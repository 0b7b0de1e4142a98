// POST /v1/chat/completions: a conversation through the model's chat template, answered at once or word by word.
import type { Context } from 'hono';
import { Answer, type Wanted } from './answer.js';
import { ChatChoices } from './chat-choices.js';
import { type ChatFormat, chatFormat } from './chat-format.js';
import { clientOf } from './client.js';
import { generateOptions, maxNewTokens } from './fields.js';
import type { Limits } from './limits.js';
import type { ChatLogprob } from './logprobs.js';
import { eventStream, type Head, headOf, type Send, usageOf } from './openai.js';
import type { ChatFields } from './prepare.js';
import type { Delta } from './reply.js';
import type { Ready, Service } from './served-model.js';

export async function chat(c: Context, service: Service, limits: Limits): Promise<Response> {
  const { fields, prompts, ready } = await service.prepare('chat', c.req.raw);
  const client = fields.user || clientOf(c);
  const format = await service.counted(() => chatFormat(fields, client, ready));
  const wanted = prompts.flatMap((tokenIds) => wantedChoices(c, { fields, tokenIds, format }, ready, limits));
  const answer = new Answer(ready, wanted, limits, c.req.raw.signal, 'messages');
  const choices = new ChatChoices(wanted.length, format, ready);
  if (fields.stream !== true) return whole(c, fields, ready, answer, choices);
  const write = (send: Send) => writeChunks(send, fields, ready, answer, choices);
  return eventStream(c, write, answer.abort, service.report);
}

interface AskedChoices {
  readonly fields: ChatFields;
  readonly tokenIds: Int32Array;
  readonly format: ChatFormat;
}

function wantedChoices(
  c: Context,
  { fields, tokenIds, format }: AskedChoices,
  { model }: Ready,
  limits: Limits,
): Wanted[] {
  const shared = generateOptions(fields);
  const most = fields.max_completion_tokens ?? fields.max_tokens;
  return Array.from({ length: fields.n ?? 1 }, (_, stream) => ({
    tokenIds,
    options: {
      ...shared,
      client: shared.client ?? clientOf(c),
      stream,
      maxNewTokens: maxNewTokens(most, limits, model.generation.maxNewTokens),
      logprobs: fields.logprobs === true ? (fields.top_logprobs ?? 0) : undefined,
      constraint: format.constraint(),
    },
  }));
}

async function whole(
  c: Context,
  request: ChatFields,
  ready: Ready,
  answer: Answer,
  choices: ChatChoices,
): Promise<Response> {
  const logprobs = Array.from({ length: choices.count }, (): ChatLogprob[] => []);
  const results = await answer.read((piece, index) => {
    choices.reader(index).push(piece.text);
    logprobs[index]?.push(...choices.logprobs(piece, index));
  });
  // The client has gone; the status is nginx's, for logs.
  if (results === null) return new Response(null, { status: 499 });
  return c.json({
    ...headOf('chatcmpl', 'chat.completion', ready),
    choices: results.map((result, index) => {
      const reader = choices.reader(index);
      reader.end();
      const { content, toolCalls } = reader;
      return {
        index,
        message: {
          role: 'assistant',
          content: toolCalls.length > 0 && content === '' ? null : content,
          refusal: null,
          ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
        },
        logprobs: request.logprobs === true ? { content: logprobs[index], refusal: null } : null,
        finish_reason: choices.reason(result, index),
      };
    }),
    usage: usageOf(results, choices.count),
  });
}

function hasParts(delta: Delta): boolean {
  return Object.keys(delta).length > 0;
}

async function writeChunks(
  send: Send,
  request: ChatFields,
  ready: Ready,
  answer: Answer,
  choices: ChatChoices,
): Promise<void> {
  const wantsUsage = request.stream_options?.include_usage === true;
  const head: Head & { usage?: null } = {
    ...headOf('chatcmpl', 'chat.completion.chunk', ready),
    ...(wantsUsage && { usage: null }),
  };
  const chunk = (index: number, delta: object, more: object = {}) =>
    send({ ...head, choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }] });
  for (let index = 0; index < choices.count; index += 1)
    await chunk(index, { role: 'assistant', content: '', refusal: null });
  const results = await answer.read(async (piece, index) => {
    const reader = choices.reader(index);
    const content = choices.logprobs(piece, index);
    const logprobs = content.length > 0 ? { content, refusal: null } : null;
    const delta = reader.push(piece.text);
    if (hasParts(delta) || logprobs !== null) await chunk(index, delta, { logprobs });
    if (piece.result === null) return;
    const rest = reader.end();
    if (hasParts(rest)) await chunk(index, rest);
    await chunk(index, {}, { finish_reason: choices.reason(piece.result, index) });
  });
  if (results !== null && wantsUsage)
    await send({ ...head, choices: [], usage: usageOf(results, choices.count) });
}
