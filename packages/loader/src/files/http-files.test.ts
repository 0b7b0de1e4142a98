// Models over HTTP: the same as from a folder, from servers that know ranges and those that do not.
import { readFileSync } from 'node:fs';
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { HttpError, type HttpProgress } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { fileServer, type ServedFile } from '../../../tensors/src/testkit/file-server.js';
import type { OpenedModel } from '../model-source.js';
import { openModel as openFolder } from '../node/open-model.js';
import { openModel } from '../open-model.js';
import { smallGguf } from '../testkit/gguf.js';
import { goldenPath } from '../testkit/golden.js';
import { httpFiles } from './http-files.js';

const names = ['config.json', 'generation_config.json', 'model.safetensors'];
const tokens = [1, 5, 3, 2];

/** A golden checkpoint under /models/a, and a GGUF file beside. */
function serve(file: Partial<ServedFile> = {}) {
  const files = names.map((name) => {
    const bytes = new Uint8Array(readFileSync(`${goldenPath('mixtral')}/${name}`));
    return [`/models/a/${name}`, { bytes, ...file }] as const;
  });
  return fileServer({ ...Object.fromEntries(files), '/a.gguf': { bytes: smallGguf(), ...file } });
}

async function logitsOf(source: OpenedModel): Promise<Float32Array> {
  const model = await createModel(source, { backend: referenceBackend() });
  await source.close();
  const { logits } = await model.logits(tokens);
  await model.close();
  return logits;
}

/** @throws what is no HttpError */
async function thrown(action: Promise<unknown>): Promise<HttpError> {
  const error = await action.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HttpError)) throw error ?? new Error('expected an error, found none');
  return error;
}

const expected = await logitsOf(await openFolder(goldenPath('mixtral')));

describe('a folder by its URL', () => {
  test.each([true, false])('is the model of the folder; ranges: %s', async (ranges) => {
    await using server = await serve({ ranges });
    const heard = new Map<string, HttpProgress>();
    const onProgress = (progress: HttpProgress) => void heard.set(progress.name, progress);
    const source = await openModel(`${server.url}/models/a/`, { http: { onProgress } });
    expect(source.name).toBe(`${server.url}/models/a`);
    expect(source.tokenizer).toBeNull();
    expect(await logitsOf(source)).toEqual(expected);
    const weights = heard.get(`${server.url}/models/a/model.safetensors`);
    expect(weights?.received).toBe(weights?.size);
  });

  test('in Node beside folders, whose name keeps no key', async () => {
    await using server = await serve();
    const source = await openFolder(`${server.url}/models/a?key=secret`, { recipe: 'nf4' });
    expect(source.name).toBe(`${server.url}/models/a`);
    await logitsOf(source);
    expect(source.report().tensors.some(({ loaded }) => loaded === 'nf4-dq')).toBe(true);
    expect(server.requests).toContainEqual(
      expect.stringMatching(/^GET \/models\/a\/config\.json\?key=secret /),
    );
  });

  test('lists the usual files that are there, and leaves the weights alone', async () => {
    await using server = await serve({ ranges: false });
    expect(await httpFiles(`${server.url}/models/a`).list()).toEqual(names.slice(0, 2));
    expect(server.requests.filter((request) => request.includes('safetensors'))).toEqual([]);
  });

  test('names are parts of paths, and never leave it', async () => {
    await using server = await fileServer({ '/a%20b/c%3Fd%23.json': { bytes: Uint8Array.of(1) } });
    const files = httpFiles(new URL(`${server.url}/a b/`));
    expect((await files.open('c?d#.json'))?.size).toBe(1);
    for (const name of ['../x', '/x', 'https://example.org/x']) {
      await expect(files.open(name)).rejects.toThrow(/a relative name inside the folder/);
    }
  });
});

test('files by their URLs, as a bundler gives them', async () => {
  await using server = await serve();
  const urls = Object.fromEntries(names.map((name) => [name, new URL(`/models/a/${name}`, server.url)]));
  expect(await logitsOf(await openModel(urls, { name: 'mine' }))).toEqual(expected);
  expect(await httpFiles(urls).list()).toEqual(names);
  expect(await httpFiles(urls).open('toString')).toBeNull();
});

test('a .gguf file by its URL', async () => {
  await using server = await serve();
  const source = await openModel(`${server.url}/a.gguf`);
  expect(source.config.architecture).toBe('mixtral');
  expect(await logitsOf(source)).toHaveLength(tokens.length * source.config.vocabularySize);
});

describe('refusals', () => {
  test('a file that a list names and the server lacks', async () => {
    await using server = await serve();
    const missing = new URL('/assets/tokenizer.json?key=secret', server.url);
    const urls = {
      ...Object.fromEntries(names.map((name) => [name, `${server.url}/models/a/${name}`])),
      'tokenizer.json': missing,
    };
    const { message, code } = await thrown(openModel(urls, { http: { retries: 0 } }));
    expect(code).toBe('notFound');
    expect(message).toMatch(
      /^files\/tokenizer\.json: cannot read .*: expected a file at http:\/\/127\.0\.0\.1:\d+\/assets\/tokenizer\.json, found none \(status 404\)$/,
    );
  });

  test('a file on the disk, which fetch of Node does not read', async () => {
    const urls = { 'config.json': new URL(`file://${goldenPath('mixtral')}/config.json`) };
    const { message, code } = await thrown(openModel(urls, { http: { retries: 0 } }));
    expect(code).toBe('unreachable');
    expect(message).toMatch(
      /^files\/config\.json: cannot read .*: expected a URL that fetch reads here \(openModel of @moeq\/loader\/node opens files\), found a file: URL$/,
    );
  });

  test('no model there', async () => {
    await using server = await serve();
    await expect(openModel(`${server.url}/models/b`)).rejects.toThrow(
      /\/models\/b: cannot open the model: expected a config\.json, found none$/,
    );
    await expect(openModel('')).rejects.toThrow(/expected a URL such as https:/);
    await expect(openModel(`${server.url}/models/a`, { recipes: 'nf4' } as object)).rejects.toThrow(
      /"recipes"/,
    );
  });

  test('a server that refuses is no missing file', async () => {
    await using server = await serve();
    const answer: ServedFile['answer'] = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    server.files.set('/models/a/tokenizer.json', { bytes: new Uint8Array(), answer });
    const refused = openModel(`${server.url}/models/a`);
    await expect(refused).rejects.toThrow(/a\/tokenizer\.json: .* expected the file, found status 401/);
    await expect(refused).rejects.toBeInstanceOf(HttpError);
  });
});
