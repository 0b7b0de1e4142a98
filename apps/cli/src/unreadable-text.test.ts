// A tokenizer or chat template that cannot be read: what needs it says so before weights are loaded, all else runs.
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';
import { smallModel } from './testkit/malformed.js';
import { goodTokenizer } from './testkit/malformed-text.js';

const shared = await temporaryFolder();
afterAll(() => shared[Symbol.asyncDispose]());
const ids = join(shared.path, 'ids.json');
await writeFile(ids, '[[1, 2, 3]]');

async function model(name: string, files: Record<string, string>): Promise<string> {
  const path = join(shared.path, name);
  await cp(smallModel, path, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

const tokenizer = await model('tokenizer', {
  'tokenizer.json': JSON.stringify({ ...goodTokenizer, decoder: { type: 'Telepathy' } }),
});
const template = await model('template', {
  'tokenizer.json': JSON.stringify(goodTokenizer),
  'chat_template.jinja': '{% for',
});
const none = await model('none', {});
const logits = (path: string) =>
  moeq(['logits', path, '--token-ids', ids, '--out', join(shared.path, 'l.safetensors')]);

test.each([
  ['a tokenizer', tokenizer],
  ['a template', template],
  ['neither', none],
])('token ids run without %s', async (_, path) => {
  expect(await logits(path)).toMatchObject({ status: 0 });
  expect(await moeq(['inspect', path])).toMatchObject({ status: 0 });
  const out = `${path}-nf4`;
  expect(await moeq(['quantize', path, '--out', out])).toMatchObject({ status: 0 });
});

/** One sentence and nothing before it: no bar of weights, no note. */
test.each([
  ['generate', tokenizer, /decoder \("Telepathy"\) with a type among/],
  ['chat', tokenizer, /decoder \("Telepathy"\) with a type among/],
  ['serve', tokenizer, /decoder \("Telepathy"\) with a type among/],
  ['chat', template, /chat_template\.jinja: cannot read the chat template/],
  ['generate', none, /expected token ids, as there is no tokenizer/],
  ['chat', none, /expected token ids, as there is no tokenizer/],
])('%s of %s says why at once', async (command, path, sentence) => {
  const more = command === 'serve' ? ['--port', '0'] : [];
  const { status, stdout, stderr } = await moeq([command, path, ...more]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^moeq: [^\n]+\n$/);
});

test('a text needs no template', async () => {
  const { status } = await moeq(['generate', template, '-p', 'abab', '-n', '1']);
  expect(status).toBe(0);
});
