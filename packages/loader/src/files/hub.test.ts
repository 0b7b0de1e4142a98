// The hub, by a server of this machine that answers as it does.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileServer } from '../../../tensors/src/testkit/file-server.js';
import { openModel } from '../node/open-model.js';
import { smallGguf } from '../testkit/gguf.js';
import { goldenPath } from '../testkit/golden.js';
import { hubFiles, hubUrl } from './hub.js';

const repository = 'org/small-moe';

function serve() {
  const bytes = (file: string) => new Uint8Array(readFileSync(`${goldenPath('mixtral')}/${file}`));
  const files = ['config.json', 'model.safetensors'].map(
    (file) => [`/${repository}/resolve/main/${file}`, { bytes: bytes(file) }] as const,
  );
  const gguf = [`/${repository}/resolve/v1/small.gguf`, { bytes: smallGguf() }] as const;
  return fileServer(Object.fromEntries([...files, gguf]));
}

test.each([
  ['org/name', 'https://huggingface.co/org/name/resolve/main'],
  ['org/name@v1.0', 'https://huggingface.co/org/name/resolve/v1.0'],
  ['org/name@refs/pr/1', 'https://huggingface.co/org/name/resolve/refs%2Fpr%2F1'],
  ['org/name/a b/x.gguf@v1', 'https://huggingface.co/org/name/resolve/v1/a%20b/x.gguf'],
])('%s', (reference, url) => {
  expect(hubUrl(reference).href).toBe(url);
});

test.each([
  '',
  'name',
  '/name',
  'org/',
  'org/..',
  '../name',
  'org/name@',
  'org/name@a@b',
  'org/name/config.json',
  'org/name/../x.gguf',
  'org/na me',
  'org?x/name',
])('"%s" names no repository', async (reference) => {
  await expect(hubFiles(reference)).rejects.toThrow(/expected hf:org\/name, .*, found another form$/);
});

test('a repository opens as its folder would, and so does one GGUF file; the token goes along', async () => {
  await using server = await serve();
  const { HF_ENDPOINT, HF_TOKEN } = process.env;
  const before = { HF_ENDPOINT, HF_TOKEN };
  Object.assign(process.env, { HF_ENDPOINT: server.url, HF_TOKEN: 'hf_secret' });
  try {
    const source = await openModel(`hf:${repository}`, { recipe: 'nf4' });
    expect(source.name).toBe(`hf:${repository}`);
    expect(source.config.architecture).toBe('mixtral');
    await source.close();
    const gguf = await openModel(`hf:${repository}/small.gguf@v1`);
    expect(gguf.config.architecture).toBe('mixtral');
    await gguf.close();
    expect(server.headers.every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true);
    await expect(openModel('hf:org/none')).rejects.toThrow(/expected a config\.json, found none/);
  } finally {
    for (const [key, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  }
});
