// More clients than there is room for, clients that are slow, that leave, and a server that stops.
import type { Model } from '@moeq/runtime';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from './app.js';
import { post, silent } from './testkit/raw.js';
import { type Served, serve, tinyMoe } from './testkit/served.js';

let model: Model;
beforeAll(async () => {
  model = await tinyMoe({ kvCacheTokens: 4096 });
});
afterAll(() => model.backend.destroy());

const messages = [{ role: 'user' as const, content: 'In the beginning' }];
const base = { model: 'tiny-moe', messages, logit_bias: { 2: -100 } };
const chat = '/v1/chat/completions';

async function gauge({ url }: Served, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('too much', () => {
  test('a full queue answers 429 and when to come again, whole requests only', async () => {
    await using server = await serve(model, { limits: { batch: 1, queue: 2, choices: 8 } });
    const ask = (n: number) => server.client.chat.completions.create({ ...base, n, max_tokens: 40 });
    const taken = [ask(1), ask(2)];
    await expect.poll(() => gauge(server, 'moeq_requests_waiting'), { timeout: 20_000 }).toBe(2);
    const refused = await ask(1).then(
      () => null,
      (error: unknown) => error as { status: number; code: string; headers: Headers },
    );
    expect([refused?.status, refused?.code, refused?.headers.get('retry-after')]).toEqual([
      429,
      'queue_full',
      '2',
    ]);
    expect((await Promise.all(taken)).map(({ choices }) => choices.length)).toEqual([1, 2]);
    await expect(ask(3)).resolves.toMatchObject({ choices: { length: 3 } });
  });

  test('an answer that takes too long ends: 504 at once, an error object in a stream', async () => {
    await using server = await serve(model, { limits: { seconds: 0.15 } });
    const request = { ...base, n: 8, max_tokens: 240 };
    await expect(server.client.chat.completions.create(request)).rejects.toMatchObject({
      status: 504,
      code: 'timeout',
    });
    const stream = await server.client.chat.completions.create({ ...request, stream: true });
    const read = async () => {
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
    };
    await expect(read()).rejects.toMatchObject({ code: 'timeout' });
    expect(await gauge(server, 'moeq_requests_running')).toBe(0);
  });
});

describe('clients that do not behave', () => {
  test('one that leaves before its answer, or in its midst, costs nothing more', async () => {
    await using server = await serve(model);
    for (const stream of [false, true]) {
      const controller = new AbortController();
      const asked = server.client.chat.completions
        .create({ ...base, max_tokens: 220, stream }, { signal: controller.signal })
        .then(async (answer) => {
          if (Symbol.asyncIterator in answer) for await (const _ of answer);
        });
      await expect.poll(() => gauge(server, 'moeq_requests_running'), { timeout: 20_000 }).toBe(1);
      controller.abort();
      await asked.catch(() => undefined);
      await expect.poll(() => gauge(server, 'moeq_requests_running'), { timeout: 20_000 }).toBe(0);
    }
    expect(await gauge(server, 'moeq_requests_total{reason="aborted"}')).toBe(2);
    expect(await gauge(server, 'moeq_kv_cache_pages{use="used"}')).toBe(0);
  });

  test('one that breaks the connection while it waits is taken out of the queue', async () => {
    await using server = await serve(model, { limits: { batch: 1 } });
    const first = server.client.chat.completions.create({ ...base, max_tokens: 100 });
    await expect.poll(() => gauge(server, 'moeq_requests_running'), { timeout: 20_000 }).toBe(1);
    const socket = silent(server.url, ...post(chat, JSON.stringify({ ...base, max_tokens: 5 })));
    await expect.poll(() => gauge(server, 'moeq_requests_waiting'), { timeout: 20_000 }).toBe(1);
    socket.destroy();
    await expect.poll(() => gauge(server, 'moeq_requests_waiting'), { timeout: 20_000 }).toBe(0);
    expect((await first).choices).toHaveLength(1);
  });

  test('one that does not read pauses its own request alone, and finds its text whole', async () => {
    const app = createApp();
    app.serve({ model });
    const ask = async (more: object) => {
      const headers = { host: 'localhost', 'content-type': 'application/json' };
      const body = JSON.stringify({ ...base, seed: 1, temperature: 1, ...more });
      return app.fetch(new Request(`http://localhost${chat}`, { method: 'POST', headers, body }));
    };
    const state = async () => {
      const text = await (
        await app.fetch(new Request('http://localhost/metrics', { headers: { host: 'localhost' } }))
      ).text();
      return ['running', 'paused'].map(
        (name) => /(\d+)$/.exec(new RegExp(`^moeq_requests_${name} .*$`, 'm').exec(text)?.[0] ?? '')?.[1],
      );
    };
    const slow = await ask({ max_tokens: 180, stream: true });
    await expect.poll(state, { timeout: 20_000 }).toEqual(['0', '1']);
    const quick = (await (await ask({ max_tokens: 180 })).json()) as OpenAI.ChatCompletion;
    expect(await state()).toEqual(['0', '1']);
    const events = (await slow.text()).split('\n\n').filter((line) => line.startsWith('data: {'));
    const text = events
      .map((line) => JSON.parse(line.slice(6)) as OpenAI.ChatCompletionChunk)
      .map(({ choices }) => choices[0]?.delta.content ?? '')
      .join('');
    expect(text).toBe(quick.choices[0]?.message.content);
  });
});

describe('stopping', () => {
  test('running answers are completed, new ones refused', async () => {
    const server = await serve(model);
    const asked = server.client.chat.completions.create({ ...base, max_tokens: 60 });
    await expect.poll(() => gauge(server, 'moeq_requests_running'), { timeout: 20_000 }).toBe(1);
    const closed = server.close();
    expect((await asked).usage?.completion_tokens).toBe(60);
    expect(await closed).toBe(true);
    await expect(fetch(`${server.url}/health`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test('an answer that outlasts the time to stop is cut, with an error that says so', async () => {
    const server = await serve(model, { limits: { drainSeconds: 0.05 } });
    const asked = server.client.chat.completions.create({ ...base, n: 16, max_tokens: 220 });
    const outcome = asked.then(
      () => null,
      (error: unknown) => error,
    );
    await expect.poll(() => gauge(server, 'moeq_requests_running'), { timeout: 20_000 }).toBe(16);
    expect(await server.close()).toBe(false);
    expect(await outcome).toMatchObject({ status: 503, code: 'stopping' });
  });

  test('a server that is still loading stops at once', async () => {
    const server = await serve(null);
    expect(await server.close()).toBe(true);
  });
});
