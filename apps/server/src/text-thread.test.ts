// Requests that are read in a thread of their own, and those that wait for it.
import { fileURLToPath } from 'node:url';
import { createEngine, type Model } from '@moeq/runtime';
import { modelUrl } from '@moeq/tiny-moe';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError } from './api-error.js';
import { createApp } from './app.js';
import type { Kind, Preparations } from './prepare.js';
import { type RequestReader, readHere } from './reader.js';
import { serve, tinyMoe, type Watch } from './testkit/served.js';
import { workerScript } from './testkit/worker-script.js';
import { TextThread, type TextThreadOptions } from './text-thread.js';

const watch: Watch = { rendered: [], tokenised: [] };
let model: Model;
let script: Awaited<ReturnType<typeof workerScript>>;
let options: TextThreadOptions;
beforeAll(async () => {
  script = await workerScript();
  model = await tinyMoe({}, undefined, watch);
  options = {
    reference: fileURLToPath(modelUrl),
    name: 'tiny-moe',
    contextLength: model.contextLength,
    vocabularySize: model.config.vocabularySize,
    script: script.url,
  };
});
afterAll(async () => {
  await model.backend.destroy();
  await script[Symbol.asyncDispose]();
});

const rules = { maxTokens: Infinity, choices: 4, strict: false };
const bytes = (body: unknown) => new TextEncoder().encode(JSON.stringify(body)).buffer;
const chat = (content: string, more: object = {}) => ({
  model: 'tiny-moe',
  messages: [{ role: 'user', content }],
  max_tokens: 2,
  ...more,
});
/** A request that fits and is long: what it is padded with has no effect. */
const long = (content: string) => chat(content, { metadata: { padding: 'x'.repeat(20_000) } });

describe('a thread', () => {
  test.each<[what: string, kind: Kind, body: object]>([
    [
      'that has fields of all kinds',
      'chat',
      chat('In the beginning', { seed: 3, stop: ['a'], logit_bias: { 5: 1 }, unknown: 1 }),
    ],
    ['that is too long', 'chat', chat('word '.repeat(400))],
    ['of too many texts', 'chat', chat('x', { n: 5 })],
    ['with tools', 'chat', chat('x', { tools: [{ type: 'function', function: { name: 'f' } }] })],
    ['of two texts', 'completion', { model: '', prompt: ['In the', 'beginning'], max_tokens: -1 }],
    ['of ids that there are not', 'completion', { model: '', prompt: [1, 2, 99_999] }],
    ['that is no object', 'completion', []],
  ])('prepares a request %s as the server would', async (_, kind, body) => {
    await using thread = new TextThread(options);
    const engine = createEngine(model);
    const here = readHere({ ...options, encode: (prompt) => engine.encode(prompt) });
    const outcome = async (reader: RequestReader) => {
      try {
        return await reader.prepare(kind, bytes(body), rules);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return error.body;
      }
    };
    expect(await outcome(thread)).toEqual(await outcome(here));
  });

  test('reads what is long, and nothing of it is read twice or in the thread of the server', async () => {
    await using thread = new TextThread(options);
    await using server = await serve(null);
    server.app.serve({ model, reader: thread });
    watch.rendered.length = 0;
    watch.tokenised.length = 0;
    const ask = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      const sent = { method: 'POST', headers, body: JSON.stringify({ ...body, seed: 1 }) };
      const answer = await fetch(`${server.url}/v1/chat/completions`, sent);
      return (await answer.json()) as OpenAI.ChatCompletion;
    };
    const texts = ({ choices }: OpenAI.ChatCompletion) => choices.map(({ message }) => message.content);
    const read = texts(await ask(long('In the beginning')));
    expect([watch.rendered.length, watch.tokenised.length]).toEqual([0, 0]);
    expect(texts(await ask(chat('In the beginning')))).toEqual(read);
    expect([watch.rendered.length, watch.tokenised.length]).toEqual([1, 1]);
    expect(await ask(long('word '.repeat(400)))).toMatchObject({
      error: { code: 'context_length_exceeded' },
    });
    expect(thread.pending).toBe(0);
  });

  test('that cannot open its model fails the requests that wait, and another takes its place', async () => {
    await using thread = new TextThread({ ...options, reference: './nowhere' });
    for (let times = 0; times < 2; times += 1) {
      await expect(thread.prepare('chat', bytes(chat('x')), rules)).rejects.toThrow(
        './nowhere: cannot open the model',
      );
    }
  });
});

describe('requests that wait for it', () => {
  test('count with those that wait to be computed, and are refused once the server stops', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reader: RequestReader = {
      prepare: async <Of extends Kind>() => {
        await held;
        const prepared = { fields: { model: '', max_tokens: 1, calls: 'none', grammar: null } };
        return {
          ...prepared,
          prompts: [Int32Array.of(1)],
          ignored: [],
          adapted: [],
        } as unknown as ReturnType<Preparations[Of]>;
      },
    };
    const app = createApp({ limits: { batch: 1, queue: 1 } });
    app.serve({ model, reader });
    const ask = (body: object) =>
      app.fetch(
        new Request('http://localhost/v1/chat/completions', {
          method: 'POST',
          headers: { host: 'localhost', 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      );
    const waiting = [ask(long('x')), ask(long('x'))];
    await expect.poll(async () => (await ask(chat('x'))).status).toBe(429);
    const drained = app.drain();
    release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([503, 503]);
    expect(await drained).toBe(true);
  });
});
