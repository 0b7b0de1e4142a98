// Paths and methods.
import type OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { serve, sharedServer } from './testkit/served.js';

const shared = sharedServer();

interface Failure {
  readonly error: { readonly message: string };
}

describe('routes', () => {
  test.each([
    ['GET', '/v1/chat/completions', 405],
    ['DELETE', '/v1/completions', 405],
    ['OPTIONS', '/v1/completions', 405],
    ['PUT', '/v1/chat/completions', 405],
    ['POST', '/v1/models', 404],
    ['GET', '/v1/models/', 404],
    ['GET', '/v1/embeddings', 404],
    ['GET', '/v1/models/gpt-9', 404],
    ['GET', '/../../etc/passwd', 404],
    ['GET', `/${'x'.repeat(500)}`, 404],
  ])('%s %s', async (method, path, status) => {
    const answer = await fetch(`${shared.server.url}${path}`, { method });
    expect([answer.status, ((await answer.json()) as Failure).error.message.length < 300]).toEqual([
      status,
      true,
    ]);
  });

  test.each([
    ['/', 200],
    ['/health', 200],
    ['/v1/models', 200],
    ['/v1/chat/completions', 405],
    ['/nowhere', 404],
  ])('HEAD %s', async (path, status) => {
    const answer = await fetch(`${shared.server.url}${path}`, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([status, '']);
  });

  test('every answer has an id of its own, which the client tells', async () => {
    const ask = () => shared.server.client.models.retrieve('tiny-moe').withResponse();
    const ids = (await Promise.all([ask(), ask()])).map(({ request_id }) => request_id ?? '');
    expect(ids.every((id) => /^req_[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test('any name of a model is taken, and answers have its id; a strict server refuses others', async () => {
    const ask = (client: OpenAI, model: string) =>
      client.chat.completions.create({ model, messages: [{ role: 'user', content: 'x' }], max_tokens: 1 });
    for (const name of ['gpt-9', '', 'tiny-moe']) {
      await expect(ask(shared.server.client, name)).resolves.toMatchObject({ model: 'tiny-moe' });
    }
    await using strict = await serve(shared.model, { strict: true });
    await expect(ask(strict.client, 'tiny-moe')).resolves.toMatchObject({ model: 'tiny-moe' });
    await expect(ask(strict.client, 'gpt-9')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  });

  test('names that were given are listed, the first is the id of answers', async () => {
    await using server = await serve(null);
    server.app.serve({ model: shared.model, names: ['gpt-4o', 'org/other'] });
    const listed = await server.client.models.list();
    expect(listed.data.map(({ id }) => id)).toEqual(['gpt-4o', 'org/other']);
    await expect(server.client.models.retrieve('org/other')).resolves.toMatchObject({ id: 'org/other' });
    const request = { model: 'org/other', prompt: 'x', max_tokens: 1 };
    await expect(server.client.completions.create(request)).resolves.toMatchObject({ model: 'gpt-4o' });
    await expect(server.client.models.retrieve('tiny-moe')).rejects.toMatchObject({ status: 404 });
  });

  test('models, health and readiness', async () => {
    await expect(shared.server.client.models.retrieve('tiny-moe')).resolves.toMatchObject({
      id: 'tiny-moe',
      object: 'model',
      owned_by: 'moeq',
    });
    await using loading = await serve(null);
    const states = async (url: string) =>
      Promise.all(['/health', '/ready'].map(async (path) => (await fetch(url + path)).status));
    expect(await states(shared.server.url)).toEqual([200, 200]);
    expect(await states(loading.url)).toEqual([200, 503]);
    await expect(loading.client.models.list()).rejects.toMatchObject({ status: 503, code: 'loading' });
  });
});
