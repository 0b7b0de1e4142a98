// What is malformed, foreign or too much, and the answer to each: one table.
import type { Model } from '@moeq/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { post, send } from './testkit/raw.js';
import { type Served, serve, tinyMoe } from './testkit/served.js';

let model: Model;
let server: Served;
beforeAll(async () => {
  model = await tinyMoe();
  server = await serve(model, { limits: { bodyBytes: 100_000, texts: 4 } });
});
afterAll(async () => {
  await server.close();
  await model.backend.destroy();
});

interface Failure {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

const chat = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hi' }];

async function refused(path: string, body: string | Uint8Array, extra: readonly string[] = []) {
  const answer = await send(server.url, ...post(path, body, extra));
  const { error } = JSON.parse(answer.body) as Failure;
  expect(error.message.length).toBeLessThan(600);
  expect(answer.headers['content-type']).toContain('application/json');
  return { status: answer.status, ...error, headers: answer.headers };
}

/** A field of a chat, as JSON text, so that it can hold what JavaScript cannot. */
const fields: [field: string, json: string, message: string][] = [
  ['max_tokens', '-1', 'max_tokens: expected at least 1, found -1'],
  ['max_tokens', '0', 'max_tokens: expected at least 1, found 0'],
  ['max_tokens', '1.5', 'max_tokens: expected an integer, found 1.5'],
  ['max_tokens', '1e999', 'max_tokens: expected an integer, found Infinity'],
  ['max_tokens', '1e15', 'max_tokens: expected at most 256, found 1000000000000000'],
  ['max_tokens', '"10"', 'max_tokens: expected number, found "10"'],
  ['max_completion_tokens', '9007199254740993', 'max_completion_tokens: expected an integer'],
  ['n', '-2', 'n: expected at least 1, found -2'],
  ['n', '0', 'n: expected at least 1'],
  ['n', '5', 'n: expected at most 4 texts a request, found 5'],
  ['n', '1e300', 'n: expected an integer'],
  ['top_k', '-1', 'top_k: expected at least 0, found -1'],
  ['top_k', '1e12', 'top_k: expected at most 2147483647'],
  ['top_k', '1e999', 'top_k: expected an integer, found Infinity'],
  ['top_p', '0', 'top_p: expected above 0, found 0'],
  ['top_p', '1.01', 'top_p: expected at most 1'],
  ['min_p', '-0.5', 'min_p: expected at least 0'],
  ['temperature', '-0.1', 'temperature: expected at least 0, found -0.1'],
  ['temperature', '1e999', 'temperature: expected'],
  ['temperature', '[]', 'temperature: expected number, found []'],
  ['repetition_penalty', '0', 'repetition_penalty: expected above 0'],
  ['presence_penalty', '3', 'presence_penalty: expected at most 2'],
  ['frequency_penalty', '-3', 'frequency_penalty: expected at least -2'],
  ['logit_bias', '{"5": 101}', 'logit_bias: expected token ids with numbers from -100 to 100'],
  ['logit_bias', '{"5": -1e999}', 'logit_bias: expected token ids with numbers from -100 to 100'],
  ['logit_bias', '{"-5": 1}', 'logit_bias: expected token ids with numbers'],
  ['logit_bias', '{"4096": 1}', 'logit_bias: expected token ids below 4096, found 4096'],
  ['logit_bias', '{"99999999999": 1}', 'logit_bias: expected token ids with numbers'],
  ['logit_bias', '[1]', 'logit_bias: expected'],
  ['logit_bias', '{"__proto__": 1}', 'logit_bias: expected token ids with numbers'],
  ['seed', '-1', 'seed: expected at least 0'],
  ['seed', '1.5', 'seed: expected an integer'],
  ['stop', '""', 'stop: expected'],
  ['stop', '["a", ""]', 'stop: expected'],
  ['stop', JSON.stringify(Array.from({ length: 17 }, String)), 'stop: expected'],
  ['stop', JSON.stringify('x'.repeat(257)), 'stop: expected'],
  ['stream', '"yes"', 'stream: expected boolean'],
  ['stream_options', '{"include_usage": true}', 'stream_options: allowed only where stream is true'],
  ['logprobs', '3', 'logprobs: expected boolean'],
  ['top_logprobs', '3', 'top_logprobs: allowed only where logprobs is true'],
  ['top_logprobs', '21', 'top_logprobs: expected at most 20'],
  ['response_format', '{"type": "yaml"}', 'response_format.type: expected'],
  ['response_format', '{"type": "json_schema"}', 'response_format.json_schema: required and absent'],
  [
    'tools',
    '[{"type": "function", "function": {"name": "not a name"}}]',
    'tools[0].function.name: expected up to 64 letters',
  ],
  [
    'tools',
    '[{"type": "function", "function": {"name": "f"}}]',
    'tools: the chat template of tiny-moe takes no tools',
  ],
  ['tool_choice', '"always"', 'tool_choice: expected'],
  ['temprature', '1', 'temprature: an unknown field'],
  ['__proto__', '{}', '__proto__: an unknown field'],
  ['user', '""', 'user: expected'],
  ['messages', '[]', 'messages: expected at least one message'],
  ['messages', '"hi"', 'messages: expected'],
  ['messages', '[{"role": "wizard", "content": "x"}]', 'messages[0].role: expected'],
  ['messages', '[{"role": "user"}]', 'messages[0].content: required and absent'],
  [
    'messages',
    '[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]',
    'messages[0].content',
  ],
  [
    'messages',
    JSON.stringify([{ role: 'user', content: 'word '.repeat(400) }]),
    'expected at most 255 tokens, by the context length, found',
  ],
];

describe('fields', () => {
  test.each(fields)('%s %s', async (field, json, message) => {
    const others = Object.entries({ model: 'tiny-moe', messages })
      .filter(([name]) => name !== field)
      .map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
    const answer = await refused(chat, `{${[...others, `"${field}": ${json}`].join(', ')}}`);
    expect(answer).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(answer.message).toContain(message);
    expect(answer.param?.startsWith(field)).toBe(true);
  });

  test.each<[string, object, string]>([
    ['prompt', {}, 'required and absent'],
    ['prompt', { prompt: [] }, 'prompt: expected'],
    ['prompt', { prompt: [1, 'a'] }, 'prompt: expected'],
    ['prompt', { prompt: [-1] }, 'prompt: expected'],
    ['prompt', { prompt: [4096] }, 'expected token ids from 0 to 4095, found 4096'],
    ['n', { prompt: ['a', 'b', 'c'], n: 2 }, 'n: expected at most 4 texts a request, found 6'],
    ['echo', { prompt: 'a', echo: true }, 'echo is not supported'],
    ['suffix', { prompt: 'a', suffix: 'b' }, 'suffix is not supported'],
    ['best_of', { prompt: 'a', best_of: 3 }, 'ranking is not supported'],
    ['logprobs', { prompt: 'a', logprobs: 6 }, 'expected at most 5'],
  ])('completions: %s of %j', async (param, body, message) => {
    const answer = await refused('/v1/completions', JSON.stringify({ model: 'tiny-moe', ...body }));
    expect(answer).toMatchObject({ status: 400, param });
    expect(answer.message).toContain(message);
  });
});

describe('bodies', () => {
  const utf8 = new TextEncoder();
  test.each<[string, string | Uint8Array, number, string | null, string]>([
    ['no JSON', 'hello', 400, 'invalid_json', 'no valid JSON'],
    ['cut JSON', '{"model": "tiny', 400, 'invalid_json', 'no valid JSON'],
    ['nothing', '', 400, 'invalid_json', 'no valid JSON'],
    ['NaN', '{"temperature": NaN}', 400, 'invalid_json', 'no valid JSON'],
    ['a list', '[]', 400, null, 'has to be a JSON object'],
    ['null', 'null', 400, null, 'has to be a JSON object'],
    [
      'invalid UTF-8',
      Uint8Array.of(...utf8.encode('{"model": "'), 0xff, 0xfe, ...utf8.encode('"}')),
      400,
      'invalid_utf8',
      'no valid UTF-8',
    ],
    [
      'a lone surrogate in UTF-8',
      Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
      400,
      'invalid_utf8',
      'no valid UTF-8',
    ],
    ['deep nesting', '['.repeat(50_000), 400, 'invalid_json', 'nested more than 128 deep'],
    [
      'one byte too many',
      JSON.stringify({ x: 'x'.repeat(100_000) }),
      413,
      'body_too_large',
      'at most 100000 bytes',
    ],
  ])('%s', async (_, body, status, code, message) => {
    const answer = await refused(chat, body);
    expect(answer).toMatchObject({ status, code });
    expect(answer.message).toContain(message);
  });

  test('100 MB are refused by their length, before they come', async () => {
    const [head = ''] = post(chat, '', ['Content-Length: 100000000']);
    const before = process.memoryUsage().rss;
    const answer = await send(server.url, head, '{"model": ', 'x'.repeat(10_000_000));
    expect(answer.status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });

  test('100 MB in chunks without a length are refused where the limit is', async () => {
    const [head = ''] = post(chat, '', ['Transfer-Encoding: chunked']);
    const chunk = `${(50_000).toString(16)}\r\n${'x'.repeat(50_000)}\r\n`;
    const answer = await send(server.url, head, ...Array.from({ length: 20 }, () => chunk));
    expect(answer.status).toBe(413);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
    'a content type of %s',
    async (type) => {
      expect(await refused(chat, '{}', [`Content-Type: ${type}`])).toMatchObject({ status: 415 });
    },
  );
});

describe('who asks', () => {
  const body = JSON.stringify({ model: 'tiny-moe', messages, max_tokens: 1 });
  test.each([
    ['a name that was rebound', 'evil.example.org', 421],
    ['a name with loopback in it', 'localhost.evil.example.org', 421],
    ['an address of the network', '192.168.1.7:80', 421],
    ['a user before the name', 'localhost@evil.example.org', 400],
    ['nothing', '', 400],
    ['localhost', 'localhost', 200],
    ['any port', 'LOCALHOST:9', 200],
    ['IPv4', '127.0.0.1:8080', 200],
    ['IPv6', '[::1]:8080', 200],
  ])('Host: %s', async (_, host, status) => {
    expect((await send(server.url, ...post(chat, body, [`Host: ${host}`]))).status).toBe(status);
  });

  test.each([
    ['another site', 'https://evil.example.org', 403],
    ['a file or a sandbox', 'null', 403],
    ['another port of this machine', 'http://localhost:1', 403],
    ['the page itself', 'http://localhost:8080', 200],
  ])('Origin: %s', async (_, origin, status) => {
    const answer = await send(server.url, ...post(chat, body, ['Host: localhost:8080', `Origin: ${origin}`]));
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe(undefined);
  });

  test('an origin that is allowed may ask, after it has asked whether', async () => {
    await using other = await serve(model, { origins: ['https://chat.example.org'] });
    const origin = 'https://chat.example.org';
    const preflight = await fetch(`${other.url}${chat}`, { method: 'OPTIONS', headers: { origin } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    const answer = await fetch(`${other.url}/v1/models`, { headers: { origin } });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
  });

  test('a key is needed where there is one, for all but health', async () => {
    await using other = await serve(model, { apiKey: 'secret', hosts: null });
    await expect(other.client.models.list()).resolves.toMatchObject({ data: [{ id: 'tiny-moe' }] });
    const ask = async (path: string, key?: string) => {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return (await fetch(`${other.url}${path}`, { headers })).status;
    };
    expect(await Promise.all(['/v1/models', '/metrics', '/status'].map((path) => ask(path)))).toEqual([
      401, 401, 401,
    ]);
    expect(
      await Promise.all(['secre', 'secrets', 'SECRET', ' '].map((key) => ask('/v1/models', key))),
    ).toEqual([401, 401, 401, 401]);
    expect(await Promise.all(['/health', '/ready'].map((path) => ask(path)))).toEqual([200, 200]);
  });

  test('another host than loopback needs a key', async () => {
    await expect(serve(null, { host: '0.0.0.0' })).rejects.toThrow(
      'host 0.0.0.0: cannot listen: expected an API key, as others than this machine can reach it, found none',
    );
    await using open = await serve(model, { host: '0.0.0.0', apiKey: 'secret' });
    expect(
      (await send(open.url.replace('0.0.0.0', '127.0.0.1'), ...post(chat, body, ['Host: my-machine'])))
        .status,
    ).toBe(401);
  });

  test('a port that is taken is one sentence', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serve(null, { port })).rejects.toThrow(
      `127.0.0.1, port ${port}: cannot listen: expected an address and port that are free, found EADDRINUSE`,
    );
  });
});

describe('routes', () => {
  test.each([
    ['GET', '/v1/chat/completions', 405],
    ['DELETE', '/v1/completions', 405],
    ['GET', '/v1/embeddings', 404],
    ['GET', '/v1/models/gpt-9', 404],
    ['GET', '/../../etc/passwd', 404],
    ['GET', `/${'x'.repeat(500)}`, 404],
  ])('%s %s', async (method, path, status) => {
    const answer = await fetch(`${server.url}${path}`, { method });
    expect([answer.status, ((await answer.json()) as Failure).error.message.length < 300]).toEqual([
      status,
      true,
    ]);
  });

  test('another model is not found', async () => {
    await expect(
      server.client.chat.completions.create({ model: 'gpt-9', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  });

  test('models, health and readiness', async () => {
    await expect(server.client.models.retrieve('tiny-moe')).resolves.toMatchObject({
      id: 'tiny-moe',
      object: 'model',
      owned_by: 'moeq',
    });
    await using loading = await serve(null);
    const states = async (url: string) =>
      Promise.all(['/health', '/ready'].map(async (path) => (await fetch(url + path)).status));
    expect(await states(server.url)).toEqual([200, 200]);
    expect(await states(loading.url)).toEqual([200, 503]);
    await expect(loading.client.models.list()).rejects.toMatchObject({ status: 503, code: 'loading' });
  });
});
