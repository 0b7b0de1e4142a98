// Who may ask: by which name, from which page, with which key.
import { describe, expect, test } from 'vitest';
import { createApp } from './app.js';
import { post, send } from './testkit/raw.js';
import { serve, sharedServer } from './testkit/served.js';

const shared = sharedServer();

const chat = '/v1/chat/completions';
const messages = [{ role: 'user', content: 'Hi' }];

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
    expect((await send(shared.server.url, ...post(chat, body, [`Host: ${host}`]))).status).toBe(status);
  });

  test.each([
    ['another site', 'https://evil.example.org', 403],
    ['a file or a sandbox', 'null', 403],
    ['another port of this machine', 'http://localhost:1', 403],
    ['the page itself', 'http://localhost:8080', 200],
  ])('Origin: %s', async (_, origin, status) => {
    const answer = await send(
      shared.server.url,
      ...post(chat, body, ['Host: localhost:8080', `Origin: ${origin}`]),
    );
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe(undefined);
  });

  test('an origin that is allowed may ask, after it has asked whether', async () => {
    await using other = await serve(shared.model, {
      origins: ['https://chat.example.org/'],
      apiKeys: ['secret'],
    });
    const origin = 'https://chat.example.org';
    const preflight = await fetch(`${other.url}${chat}`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
      },
    });
    expect([
      preflight.status,
      ...['origin', 'headers', 'methods'].map((what) =>
        preflight.headers.get(`access-control-allow-${what}`),
      ),
    ]).toEqual([204, origin, 'authorization,content-type,x-stainless-lang', 'GET, POST']);
    // Errors too: a page that may ask may read why it got no answer.
    for (const [path, status] of [
      ['/v1/models', 401],
      ['/nowhere', 404],
      ['/ready', 200],
    ] as const) {
      const answer = await fetch(`${other.url}${path}`, { headers: { origin } });
      expect([
        answer.status,
        answer.headers.get('access-control-allow-origin'),
        answer.headers.get('vary'),
      ]).toEqual([status, origin, 'Origin']);
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id');
    }
  });

  test.each([
    ...['chat.example.org', 'https://chat.example.org/page', 'null', '', '**', 'https://', 'http://*'],
    ...['https://*.example.org', 'app://a/b', 'app:', 'app://user@host', '://x'],
  ])('an origin to allow is one: not %j', (origin) => {
    expect(() => createApp({ origins: [origin] })).toThrow(
      `${origin}: cannot allow an origin: expected a scheme and a host, such as https://chat.example.org`,
    );
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['app://obsidian.md', ['app://obsidian.md'], ['app://other.md', 'app://obsidian.md.evil', 'null']],
    ['tauri://localhost', ['tauri://localhost'], ['http://localhost:1', 'tauri://localhost:1']],
    ['capacitor://', ['capacitor://localhost', 'capacitor://app.example'], ['capacitors://localhost']],
    ['vscode-webview://*', ['vscode-webview://0a1b2c3d4e'], ['vscode-file://vscode-app', 'null']],
    [
      'chrome-extension://abcdefghijklmnop',
      ['chrome-extension://abcdefghijklmnop'],
      ['chrome-extension://b'],
    ],
    ['HTTPS://Chat.Example.org/', ['https://chat.example.org'], ['http://chat.example.org']],
  ])('%s lets its own pages ask and no others', async (rule, allowed, others) => {
    const app = createApp({ origins: [rule] });
    const ask = async (origin: string) => {
      const answer = await app.fetch(
        new Request('http://localhost/health', { headers: { host: 'localhost', origin } }),
      );
      return [answer.status, answer.headers.get('access-control-allow-origin')];
    };
    for (const origin of allowed) expect(await ask(origin)).toEqual([200, origin]);
    for (const origin of others) expect(await ask(origin)).toEqual([403, null]);
  });

  test('* lets any page ask, one in a sandbox too, and a page of the internet this machine', async () => {
    const app = createApp({ origins: ['*'] });
    for (const origin of ['null', 'https://evil.example.org', 'app://obsidian.md']) {
      const headers = {
        host: 'localhost',
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-retry-count',
        'access-control-request-private-network': 'true',
      };
      const preflight = await app.fetch(
        new Request(`http://localhost${chat}`, { method: 'OPTIONS', headers }),
      );
      const granted = ['origin', 'headers', 'private-network'].map((what) =>
        preflight.headers.get(`access-control-allow-${what}`),
      );
      expect([preflight.status, ...granted, preflight.headers.get('vary')]).toEqual([
        204,
        '*',
        'authorization,content-type,x-stainless-retry-count',
        'true',
        null,
      ]);
    }
  });

  test('a key is needed where there is one, for all but health', async () => {
    await using other = await serve(shared.model, { apiKeys: ['secret', 'next-secret'], hosts: null });
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
    expect(await Promise.all(['secret', 'next-secret'].map((key) => ask('/v1/models', key)))).toEqual([
      200, 200,
    ]);
    expect(await Promise.all(['/health', '/ready', '/'].map((path) => ask(path)))).toEqual([200, 200, 200]);
    await expect(serve(shared.model, { apiKeys: ['two words'] })).rejects.toThrow(
      'an API key: cannot listen: expected printable',
    );
  });

  test('another host than loopback needs a key', async () => {
    await expect(serve(null, { host: '0.0.0.0' })).rejects.toThrow(
      'host 0.0.0.0: cannot listen: expected an API key, as others than this machine can reach it, found none',
    );
    await using open = await serve(shared.model, { host: '0.0.0.0', apiKeys: ['secret'] });
    expect(
      (await send(open.url.replace('0.0.0.0', '127.0.0.1'), ...post(chat, body, ['Host: my-machine'])))
        .status,
    ).toBe(401);
  });

  test('a port that is taken is one sentence', async () => {
    const port = Number(new URL(shared.server.url).port);
    await expect(serve(null, { port })).rejects.toThrow(
      `127.0.0.1, port ${port}: cannot listen: expected an address and port that are free, found a port that is in use (EADDRINUSE)`,
    );
  });
});
