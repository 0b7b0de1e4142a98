// What the command says beyond the libraries: which option or command changes it.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ggufRecipeNames } from '@moeq/convert';
import { ggufModelTypes } from '@moeq/loader';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test } from 'vitest';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

async function refusal(argv: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await moeq(argv);
  expect([status, stdout], argv.join(' ')).toEqual([1, '']);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  return stderr;
}

test('an output that is there: --overwrite, where that would replace it', async () => {
  await using folder = await temporaryFolder();
  const [nf4, other] = [join(folder.path, 'nf4'), join(folder.path, 'other')];
  const gguf = join(folder.path, 'tiny.gguf');
  expect((await moeq(['quantize', '--out', nf4])).status).toBe(0);
  expect(await refusal(['quantize', '--out', nf4])).toMatch(
    /found one with 6 files; --overwrite replaces it\n$/,
  );
  expect(await refusal(['quantize', '--out', nf4, '--resume', '--recipe', 'int8'])).toMatch(
    /; --overwrite replaces it\n$/,
  );
  expect((await moeq(['quantize', '--out', gguf, '--to', 'gguf'])).status).toBe(0);
  expect(await refusal(['quantize', '--out', gguf, '--to', 'gguf'])).toMatch(/; --overwrite replaces it\n$/);
  await mkdir(other);
  await writeFile(join(other, 'letter.txt'), 'Dear');
  expect(await refusal(['quantize', '--out', other])).toMatch(/found one with 1 file\n$/);
});

test('a recipe that quantizes routers: --allow-router-quantization', async () => {
  await using folder = await temporaryFolder();
  const recipe = join(folder.path, 'recipe.json');
  const rules = [{ role: ['expert', 'router'], quantizer: { name: 'int8' } }];
  await writeFile(recipe, JSON.stringify({ name: 'all', rules }));
  const out = join(folder.path, 'out');
  const sentence = /; --allow-router-quantization gives leave\n$/;
  expect(await refusal(['quantize', '--out', out, '--recipe', recipe])).toMatch(sentence);
  expect(await refusal(['generate', '--recipe', recipe])).toMatch(sentence);
});

test('an unknown quantizer: --plugin', async () => {
  await using folder = await temporaryFolder();
  const recipe = join(folder.path, 'recipe.json');
  await writeFile(
    recipe,
    JSON.stringify({ name: 'own', rules: [{ role: 'expert', quantizer: { name: 'own' } }] }),
  );
  expect(await refusal(['generate', '--recipe', recipe])).toMatch(
    /; --plugin loads a quantizer of your own\n$/,
  );
});

test.each([
  [
    ['generate', '--context', '300'],
    'option --context: cannot load a model: expected an integer from 1 to 256',
  ],
  [
    ['eval', '--window', '300'],
    'option --window: cannot evaluate: expected at most the context of the model, 256',
  ],
  [['bench', '--context', '999'], 'option --context: '],
  [
    ['bench', '--prompt-tokens', '256', '--decode-tokens', '2'],
    'options --prompt-tokens and --decode-tokens: ',
  ],
  [
    ['serve', '--port', '0', '--context', '128', '--cache-tokens', '64'],
    'option --cache-tokens: cannot load a model: expected at least the context length, 128, found 64',
  ],
])('%j names options as they are typed', async (argv, sentence) => {
  expect(await refusal([...argv])).toContain(sentence);
});

test('a port in use: --port; another host: a key', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const address = holder.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  try {
    expect(await refusal(['serve', '--port', port])).toMatch(
      /found a port that is in use \(EADDRINUSE\); --port takes another, 0 any free one\n$/,
    );
  } finally {
    holder.close();
  }
  expect(await refusal(['serve', '--host', '0.0.0.0'])).toMatch(/; --api-key or MOEQ_API_KEY gives one\n$/);
  // TEST-NET-1 of RFC 5737 is no address of any machine
  expect(await refusal(['serve', '--host', '192.0.2.1', '--api-key', 'k'])).toMatch(
    /; --host takes an address of this machine, such as 127\.0\.0\.1\n$/,
  );
});

test('one part of a conversion: moeq merge', async () => {
  await using folder = await temporaryFolder();
  const [first, second] = [1, 2].map((index) => join(folder.path, `part-${index}`));
  const whole = join(folder.path, 'whole');
  const { status, stderr } = await moeq(['quantize', '--out', `${first}`, '--shard', '1/2']);
  expect([status, stderr]).toEqual([0, 'part 1 of 2: moeq merge makes a checkpoint of all parts\n']);
  expect((await moeq(['quantize', '--out', `${second}`, '--shard', '2/2'])).status).toBe(0);
  for (const part of [`${first}`, `${second}`])
    for (const command of ['generate', 'inspect'])
      expect(await refusal([command, part])).toMatch(
        /expected a whole checkpoint, found part [12] of 2 of a conversion; moeq merge makes a checkpoint of all parts\n$/,
      );
  expect((await moeq(['merge', `${first}`, `${second}`, '--out', whole])).status).toBe(0);
  expect((await moeq(['inspect', whole])).status).toBe(0);
});

test('no tokenizer, or none that can be read: moeq logits', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['config.json', 'model.safetensors'])
    await copyFile(fileURLToPath(new URL(name, modelUrl)), join(folder.path, name));
  const sentence = /; moeq logits runs the model on token ids\n$/;
  for (const command of ['generate', 'chat', 'eval'])
    expect(await refusal([command, folder.path])).toMatch(sentence);
  await writeFile(join(folder.path, 'tokenizer.json'), '{"model": {"type": "Morse"}}');
  for (const command of ['generate', 'chat', 'eval'])
    expect(await refusal([command, folder.path])).toMatch(sentence);
});

test('no chat template: moeq generate', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json'])
    await copyFile(fileURLToPath(new URL(name, modelUrl)), join(folder.path, name));
  expect(await refusal(['chat', folder.path])).toMatch(/; moeq generate continues a text without one\n$/);
});

test('recipes belong to one container, and the refusal names the other', async () => {
  await using folder = await temporaryFolder();
  const out = ['--out', join(folder.path, 'out')];
  expect(await refusal(['quantize', ...out, '--recipe', 'q8_0'])).toMatch(
    /expected a recipe of --to safetensors: nf4, .*, found q8_0, which is one of --to gguf\n$/,
  );
  expect(await refusal(['quantize', ...out, '--to', 'gguf', '--recipe', 'nf4'])).toMatch(
    /expected a recipe of --to gguf: .*iq4_nl.*, found nf4, which is one of --to safetensors\n$/,
  );
});

test('help and README name the architectures that GGUF takes, and its recipes', async () => {
  const { stdout } = await moeq(['quantize', '--help']);
  expect(stdout.replace(/\s+/g, ' ')).toContain(`is one of ${ggufModelTypes.join(', ')}.`);
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  expect(readme).toContain(`is one of ${ggufModelTypes.join(', ')}; others are refused`);
  for (const name of [...ggufRecipeNames.experts, ...ggufRecipeNames.all])
    for (const text of [stdout, readme.replaceAll('`', '')])
      expect(text).toMatch(new RegExp(`\\b${name}\\b`));
});
