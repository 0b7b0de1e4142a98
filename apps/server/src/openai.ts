// What all of OpenAI's answers share: ids, reasons, usage, and the frames of a stream.
import type { FinishReason, GenerationResult } from '@moeq/runtime';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { type ApiError, toApiError } from './api-error.js';
import type { Ready } from './served-model.js';

/** The fields at the head of every answer and every chunk. */
export interface Head {
  readonly id: string;
  readonly object: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  /** Says what computed: the same fingerprint and seed, the same text. */
  readonly system_fingerprint: string;
}

export function headOf(prefix: string, object: string, { id: name, model }: Ready): Head {
  const id = `${prefix}-${crypto.randomUUID().replaceAll('-', '')}`;
  const created = Math.floor(Date.now() / 1000);
  return { id, object, created, model: name, system_fingerprint: `moeq-${model.backend.name}` };
}

export function finishReason(reason: FinishReason): 'stop' | 'length' {
  return reason === 'length' ? 'length' : 'stop';
}

/** @param results of all choices; those of one prompt count it once, as OpenAI does */
export function usageOf(results: readonly GenerationResult[], textsPerPrompt: number): object {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const firsts = results.filter((_, index) => index % textsPerPrompt === 0);
  const prompt = sum(firsts.map(({ promptTokenIds }) => promptTokenIds.length));
  const completion = sum(results.map(({ tokenIds }) => tokenIds.length));
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum(firsts.map(({ reusedPromptTokens }) => reusedPromptTokens)) },
  };
}

/** Sends one frame; waits until the client has room for it. */
export type Send = (data: object) => Promise<void>;

/**
 * A stream of server-sent events that ends in `[DONE]`, or in an error object.
 * @param onLeave called when the client leaves
 * @param report receives errors that are the server's own
 */
export function eventStream(
  c: Context,
  write: (send: Send) => Promise<void>,
  onLeave: () => void,
  report: (error: unknown) => void,
): Response {
  // Proxies that collect answers would keep the words back.
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    stream.onAbort(onLeave);
    const send: Send = (data) => stream.writeSSE({ data: JSON.stringify(data) });
    try {
      await write(send);
      await stream.writeSSE({ data: '[DONE]' });
    } catch (error) {
      const failure: ApiError = toApiError(error);
      if (failure.status === 500) report(error);
      await send(failure.body);
    }
  });
}
