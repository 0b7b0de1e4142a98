// POST /v1/chat/completions: a conversation through the model's chat template, answered at once or word by word.
import type { GenerationResult } from '@moeq/runtime';
import type { Context } from 'hono';
import { Answer, type Wanted } from './answer.js';
import { badField } from './api-error.js';
import { type ChatRequest, chatRequest, templateMessages } from './chat-request.js';
import { clientOf } from './client.js';
import { assertWithin, generateOptions } from './fields.js';
import { parseFields, readJson } from './json-body.js';
import type { Limits } from './limits.js';
import { type ChatLogprob, chatLogprob } from './logprobs.js';
import { eventStream, finishReason, type Head, headOf, usageOf } from './openai.js';
import { type ChatFormat, chatFormat, MessageReader } from './reply.js';
import type { Ready, Service } from './served-model.js';

export async function chat(c: Context, service: Service, limits: Limits): Promise<Response> {
  const request = parseFields(chatRequest, await readJson(c.req.raw));
  const ready = service.require(request.model);
  assertChat(request, ready, limits);
  const format = chatFormat(request, ready);
  const answer = new Answer(ready, wantedTexts(c, request, format), limits, c.req.raw.signal, 'messages');
  return request.stream === true
    ? stream(c, request, format, ready, answer)
    : whole(c, request, format, ready, answer);
}

function assertChat(request: ChatRequest, { model }: Ready, limits: Limits): void {
  const { contextLength, config } = model;
  assertWithin(request, { limits, contextLength, vocabularySize: config.vocabularySize, prompts: 1 });
  if (typeof request.top_logprobs === 'number' && request.logprobs !== true) {
    throw badField('top_logprobs', 'allowed only where logprobs is true', 'invalid_value');
  }
}

function wantedTexts(c: Context, request: ChatRequest, format: ChatFormat): Wanted[] {
  const shared = generateOptions(request);
  const messages = templateMessages(request.messages);
  return Array.from({ length: request.n ?? 1 }, (_, stream_) => ({
    prompt: { messages, tools: format.tools },
    options: {
      ...shared,
      client: shared.client ?? clientOf(c),
      stream: stream_,
      maxNewTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      logprobs: request.logprobs === true ? (request.top_logprobs ?? 0) : undefined,
      constraint: format.constraint(),
    },
  }));
}

async function whole(
  c: Context,
  request: ChatRequest,
  format: ChatFormat,
  ready: Ready,
  answer: Answer,
): Promise<Response> {
  const texts = Array.from({ length: request.n ?? 1 }, () => ({
    reader: new MessageReader(format),
    logprobs: [] as ChatLogprob[],
  }));
  const results = await answer.read((piece, index) => {
    texts[index]?.reader.push(piece.text);
    if (piece.logprobs !== undefined && piece.text !== '') {
      texts[index]?.logprobs.push(chatLogprob(ready.model.tokenizer, piece.logprobs));
    }
  });
  // Nobody reads it; the status is nginx's, for logs.
  if (results === null) return new Response(null, { status: 499 });
  return c.json({
    ...headOf('chatcmpl', 'chat.completion', ready),
    choices: texts.map(({ reader, logprobs }, index) => {
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
        logprobs: request.logprobs === true ? { content: logprobs, refusal: null } : null,
        finish_reason: reasonOf(results[index], toolCalls.length > 0),
      };
    }),
    usage: usageOf(results, request.n ?? 1),
  });
}

function reasonOf(result: GenerationResult | undefined, calls: boolean): string {
  const reason = finishReason(result?.finishReason ?? 'stop');
  return calls && reason === 'stop' ? 'tool_calls' : reason;
}

function stream(
  c: Context,
  request: ChatRequest,
  format: ChatFormat,
  ready: Ready,
  answer: Answer,
): Response {
  const wantsUsage = request.stream_options?.include_usage === true;
  const head: Head & { usage?: null } = {
    ...headOf('chatcmpl', 'chat.completion.chunk', ready),
    ...(wantsUsage && { usage: null }),
  };
  const n = request.n ?? 1;
  const write = async (send: (data: object) => Promise<void>) => {
    const readers = Array.from({ length: n }, () => new MessageReader(format));
    const chunk = (index: number, delta: object, more: object = {}) =>
      send({ ...head, choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }] });
    for (let index = 0; index < n; index += 1)
      await chunk(index, { role: 'assistant', content: '', refusal: null });
    const results = await answer.read(async (piece, index) => {
      const reader = readers[index];
      if (reader === undefined) return;
      const ended = piece.result !== null;
      const text = reader.push(piece.text) + (ended ? reader.end() : '');
      const entry = piece.logprobs !== undefined && piece.text !== '' ? piece.logprobs : undefined;
      const logprobs =
        entry === undefined ? null : { content: [chatLogprob(ready.model.tokenizer, entry)], refusal: null };
      if (text !== '' || logprobs !== null) await chunk(index, { content: text }, { logprobs });
      const calls = reader.takeCalls();
      if (calls.length > 0) await chunk(index, { tool_calls: calls });
      if (piece.result === null) return;
      await chunk(index, {}, { finish_reason: reasonOf(piece.result, reader.toolCalls.length > 0) });
    });
    if (results !== null && wantsUsage) await send({ ...head, choices: [], usage: usageOf(results, n) });
  };
  return eventStream(c, write, answer.abort);
}
