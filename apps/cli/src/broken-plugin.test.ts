// A plugin that breaks its word is an error in its own name, and nothing that it made is written or called exact.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { brokenModules, brokenQuantizers, soundPlugin } from './testkit/broken-plugins.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

const model = fileURLToPath(new URL('../testdata/small-qwen3-moe', import.meta.url));

/** Runs a command with a plugin whose source this is, and whatever it writes in a folder of its own. */
async function runWith(module: string, argv: (at: (name: string) => string) => readonly string[]) {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('mine.mjs'), module);
  await writeFile(at('ids.json'), '[[1, 2, 3]]');
  await writeFile(at('text.txt'), 'In the beginning was the word.');
  const outcome = await moeq([...argv(at), '--plugin', at('mine.mjs'), '--recipe', 'mine']);
  const left = (await readdir(folder.path)).filter(
    (name) => !['mine.mjs', 'ids.json', 'text.txt'].includes(name),
  );
  return { ...outcome, left };
}

const quantize = (at: (name: string) => string) => ['quantize', model, '--out', at('out')];
const generate = () => ['generate', model, '-p', 'a', '-n', '1', '--backend', 'reference'];
const logits = (at: (name: string) => string) => [
  'logits',
  model,
  '--token-ids',
  at('ids.json'),
  '--out',
  at('logits.safetensors'),
  '--backend',
  'reference',
];
const evaluate = (at: (name: string) => string) => [
  'eval',
  model,
  '--text',
  at('text.txt'),
  '--baseline',
  model,
  '--backend',
  'reference',
];

test('a sound plugin: its error is exactly 0, and only that is called exact', async () => {
  const made = await runWith(soundPlugin, quantize);
  expect(made).toMatchObject({ status: 0, left: ['out'] });
  expect(made.stdout).toMatch(/expert +mine .* exact /);
  const lossy = soundPlugin.replace('weights.slice().buffer', 'weights.map((x) => x * 1.00001).buffer');
  expect((await runWith(lossy, quantize)).stdout).toMatch(/expert +mine .* < 0\.01 % /);
});

describe.each(brokenQuantizers)('a quantizer that $what', ({ module, says }) => {
  test.each([
    ['quantize', quantize],
    ['generate', generate],
  ])('%s', async (_, argv) => {
    const { status, stdout, stderr, left } = await runWith(module, argv);
    expect([status, stdout, left]).toEqual([1, '', []]);
    expect(stderr).toMatch(/^moeq: the quantizer "mine" failed on tensor "model\.layers\.0\..*\n$/m);
    expect(stderr).toMatch(says);
    expect(stderr).not.toContain('fault of moeq');
  });
});

test.each([
  ['logits', logits],
  ['eval', evaluate],
])('%s says the same of a quantizer that decodes to NaN', async (_, argv) => {
  const broken = brokenQuantizers[0];
  const { status, stdout, stderr, left } = await runWith(broken?.module ?? '', argv);
  expect([status, stdout, left]).toEqual([1, '', []]);
  expect(stderr).toMatch(/^moeq: the quantizer "mine" failed on tensor ".*found NaN at element 0\n$/m);
});

test.each(brokenModules)('a plugin that $what', async ({ module, says }) => {
  const { status, stdout, stderr, left } = await runWith(module, quantize);
  expect([status, stdout, left]).toEqual([1, '', []]);
  expect(stderr).toMatch(/^moeq: .*mine\.mjs: .*\n$/);
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain('fault of moeq');
});

test('a quantizer that writes into the weights that it was given does not make its error smaller', async () => {
  const doubled = soundPlugin
    .replace('quantize: (weights,', 'quantize: (given,')
    .replace(
      '({\n    format',
      '{ const weights = given; weights.forEach((x, i) => { weights[i] = 2 * x; }); return ({\n    format',
    );
  const module = doubled.replace(
    'new Uint8Array(weights.slice().buffer) } },\n  }),',
    'new Uint8Array(weights.slice().buffer) } },\n  }); },',
  );
  expect((await runWith(module, quantize)).stdout).toMatch(/expert +mine .* 100\.00 % /);
});

test('a quantizer that clears or changes the planes that it decodes changes nothing in the file', async () => {
  const clears = `dequantize(tensor) {
    const values = sound.dequantize(tensor);
    for (const { data } of Object.values(tensor.planes)) data.fill(0);
    tensor.planes.floats = { dtype: 'F32', data: new Uint8Array(0) };
    tensor.shape[0] = 1;
    return values;
  }`;
  const module = soundPlugin.replace('{ ...sound,', `{ ...sound, ${clears},`);
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('mine.mjs'), soundPlugin);
  await writeFile(at('clears.mjs'), module);
  for (const [plugin, out] of [
    ['mine.mjs', 'sound'],
    ['clears.mjs', 'cleared'],
  ] as const) {
    const made = await moeq([
      'quantize',
      model,
      '--out',
      at(out),
      '--plugin',
      at(plugin),
      '--recipe',
      'mine',
    ]);
    expect(made.status).toBe(0);
  }
  const files = (await readdir(at('sound'))).filter((name) => name.endsWith('.safetensors'));
  expect(files).not.toHaveLength(0);
  for (const name of files) {
    expect((await readFile(join(at('cleared'), name))).equals(await readFile(join(at('sound'), name)))).toBe(
      true,
    );
  }
});

test('planes that lie in the memory of the weights are copied before the next matrix comes', async () => {
  const module = soundPlugin.replace(
    'new Uint8Array(weights.slice().buffer)',
    'new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)',
  );
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('mine.mjs'), module);
  const own = ['--plugin', at('mine.mjs')];
  expect((await moeq(['quantize', model, '--out', at('out'), ...own, '--recipe', 'mine'])).status).toBe(0);
  const text = (which: string) =>
    moeq(['generate', which, '-p', 'a', '-n', '6', '--greedy', '--backend', 'reference', ...own]);
  expect((await text(at('out'))).stdout).toBe((await text(model)).stdout);
});

test('a stored format whose plugin decodes to NaN is refused when it is loaded', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('mine.mjs'), soundPlugin);
  await writeFile(at('bad.mjs'), brokenQuantizers[0]?.module ?? '');
  const made = ['quantize', model, '--out', at('out'), '--plugin', at('mine.mjs'), '--recipe', 'mine'];
  expect((await moeq(made)).status).toBe(0);
  for (const argv of [
    ['generate', at('out'), '-p', 'a', '-n', '1', '--backend', 'reference'],
    ['quantize', at('out'), '--out', at('out.gguf'), '--to', 'gguf', '--recipe', 'q8_0'],
  ]) {
    const { status, stderr } = await moeq([...argv, '--plugin', at('bad.mjs')]);
    expect(status, argv[0]).toBe(1);
    expect(stderr).toMatch(
      /^moeq: the quantizer "mine" failed on tensor "model\.layers\..*found NaN at element 0\n$/m,
    );
  }
});
