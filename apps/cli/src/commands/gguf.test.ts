import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';
import { temporaryFolder } from '../testkit/folder.js';

test('tiny-moe to GGUF and back: quantize, inspect, generate', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'tiny-moe.gguf');
  const { status, stdout, stderr } = await moeq(['quantize', '--to', 'gguf', '--out', out, '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({
    out,
    recipe: 'iq4_nl',
    bytes: { in: 25_065_984 },
    coverage: { fraction: 1 },
  });
  expect(document.files).toHaveLength(1);
  expect(await readdir(folder.path)).toEqual(['tiny-moe.gguf']);

  const summary = JSON.parse((await moeq(['inspect', out, '--json'])).stdout);
  expect(summary).toMatchObject({ architecture: 'mixtral', experts: { routed: 8, perToken: 2, shared: 0 } });
  expect(summary.bitsPerWeight.byRole).toMatchObject({ expert: 4.5, router: 32, attention: 16 });

  const told = await moeq([
    'generate',
    out,
    '-p',
    'In the beginning',
    '-n',
    '4',
    '--temperature',
    '0',
    '--json',
  ]);
  expect([told.status, told.stderr]).toEqual([0, '']);
  expect(JSON.parse(told.stdout).text).toBe(' of the night,');
});

test('options that do not go with it, and recipes of the other kind', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'x.gguf');
  const told = (...more: string[]) => moeq(['quantize', '--to', 'gguf', '--out', out, ...more]);
  const recipe = await told('--recipe', 'nf4');
  expect([recipe.status, recipe.stderr]).toEqual([
    1,
    expect.stringMatching(/one of f32, f16, bf16, q8_0, q4_0, iq4_nl, found "nf4"/),
  ]);
  const resumed = await told('--resume');
  expect([resumed.status, resumed.stderr]).toEqual([
    1,
    expect.stringMatching(/goes with --to gguf, found --resume/),
  ]);
  const container = await moeq(['quantize', '--to', 'onnx', '--out', out]);
  expect(container.status).toBe(2);
  expect(await readdir(folder.path)).toEqual([]);
});
