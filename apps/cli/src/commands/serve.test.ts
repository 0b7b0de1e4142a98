import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test, vi } from 'vitest';
import { run } from '../run.js';
import { moeq, Recorder } from '../testkit/capture.js';

const small = ['tiny-moe', '--backend', 'reference', '--port', '0'];

/** Runs `moeq serve` until `use` has used it; answers with its exit status and what it wrote. */
async function serving(argv: readonly string[], use: (url: string) => Promise<void>) {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const controller = new AbortController();
  const ended = run(['serve', ...argv], {
    stdin: Readable.from(['']),
    stdout,
    stderr,
    signal: controller.signal,
  });
  await expect.poll(() => stdout.text, { timeout: 30_000 }).toContain('curl ');
  await use(/http:\/\/\S+?(?=\n)/.exec(stdout.text)?.[0] ?? '');
  controller.abort();
  return { status: await ended, stdout: stdout.text, stderr: stderr.text };
}

test('says where it listens, what it loaded, and a line that works', async () => {
  const { status, stdout, stderr } = await serving(
    [...small, '--context', '64', '--cache-tokens', '512'],
    async (url) => {
      const [model] = (
        (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string; max_model_len: number }[] }
      ).data;
      expect(model).toMatchObject({ id: 'tiny-moe', max_model_len: 64 });
      const body = JSON.stringify({
        model: 'tiny-moe',
        messages: [{ role: 'user', content: 'Hello!' }],
        max_tokens: 3,
      });
      const answer = await fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect(answer.status).toBe(200);
    },
  );
  expect(status).toBe(130);
  expect(stdout).toMatch(
    /^tiny-moe on http:\/\/127\.0\.0\.1:\d+\nmixtral, 6 layers · .* MB of weights · context 64 tokens · cache 512 tokens, .*\ncurl http/,
  );
  expect(/-d '(.*)'$/m.exec(stdout)?.[1]).toBe(
    '{"model":"tiny-moe","messages":[{"role":"user","content":"Hello!"}]}',
  );
  expect(stderr).toContain('stopping');
});

test('the id of a model is no path; --alias gives others, --strict holds clients to them', async () => {
  const folder = fileURLToPath(modelUrl);
  const served = (argv: readonly string[], use: (url: string) => Promise<void>) =>
    serving([folder, '--backend', 'reference', '--port', '0', ...argv], use);
  const list = async (url: string) => (await fetch(`${url}/v1/models`)).text();
  const ask = async (url: string, body: object) =>
    fetch(`${url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ prompt: 'x', max_tokens: 1, ...body }),
      headers: { 'content-type': 'application/json' },
    });
  const { stdout, stderr } = await served([], async (url) => {
    expect(await list(url)).toContain(`"id":"${basename(folder)}"`);
    expect(await list(url)).not.toContain(dirname(folder));
    expect((await ask(url, { model: 'gpt-4o', keep_alive: 5 })).status).toBe(200);
    // What is wrong is said without a path, too.
    expect(await (await ask(url, { model: '', prompt: 'word '.repeat(700) })).text()).not.toContain(
      dirname(folder),
    );
  });
  expect(stdout).toMatch(new RegExp(`^${basename(folder)} on http`));
  expect(stderr).toContain('note: requests have a field that is not used: "keep_alive"');
  await served(['--alias', 'gpt-4o', '--alias', 'mine', '--strict'], async (url) => {
    const { data } = JSON.parse(await list(url)) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['gpt-4o', 'mine']);
    expect(await (await ask(url, { model: 'mine' })).json()).toMatchObject({ model: 'gpt-4o' });
    expect((await ask(url, { model: 'gpt-5' })).status).toBe(404);
    expect(await (await ask(url, { model: 'mine', keep_alive: 5 })).json()).toMatchObject({
      error: { message: 'keep_alive: an unknown field', code: 'unknown_field' },
    });
  });
});

test('a key is taken from the environment and never printed', async () => {
  vi.stubEnv('MOEQ_API_KEY', 'a-secret');
  try {
    const { stdout, stderr } = await serving(small, async (url) => {
      expect((await fetch(`${url}/v1/models`)).status).toBe(401);
      expect(
        (await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer a-secret' } })).status,
      ).toBe(200);
    });
    expect(stdout).toContain('Bearer $MOEQ_API_KEY');
    expect(stdout + stderr).not.toContain('a-secret');
  } finally {
    vi.unstubAllEnvs();
  }
});

test('Ctrl-C while it loads, a model that is not there, and a host without a key end it', async () => {
  expect((await moeq(['serve', ...small], { signal: AbortSignal.abort() })).status).toBe(130);
  const missing = await moeq(['serve', './nowhere', '--port', '0']);
  expect([missing.status, missing.stdout]).toEqual([1, '']);
  const open = await moeq(['serve', ...small, '--host', '0.0.0.0']);
  expect([open.status, open.stderr]).toEqual([1, expect.stringContaining('expected an API key')]);
  expect((await moeq(['serve', '--port', '70000'])).status).toBe(2);
});
