import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { splitGguf } from '../../../../packages/loader/src/testkit/split-gguf.js';
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

  const run = await moeq([
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
  expect([run.status, run.stderr]).toEqual([0, '']);
  expect(JSON.parse(run.stdout).text).toBe(' of the night,');
});

test('a model in several files: inspect, generate and quantize take any of them, and the folder', async () => {
  await using folder = await temporaryFolder();
  const whole = join(folder.path, 'whole.gguf');
  expect(
    await moeq(['quantize', '--to', 'gguf', '--out', whole, '--recipe', 'bf16', '--json']),
  ).toMatchObject({
    status: 0,
    stderr: '',
  });
  const split = join(folder.path, 'split');
  await mkdir(split);
  const parts = await splitGguf(new Uint8Array(await readFile(whole)), { prefix: 'tiny-moe' });
  for (const [name, data] of Object.entries(parts)) await writeFile(join(split, name), data);
  const [, second = ''] = Object.keys(parts).map((name) => join(split, name));

  const [ofWhole, ofFolder] = await Promise.all(
    [whole, split].map(async (path) => JSON.parse((await moeq(['inspect', path, '--json'])).stdout)),
  );
  expect({ ...ofFolder, model: whole }).toEqual({ ...ofWhole, model: whole });

  const greedy = ['-p', 'In the beginning', '-n', '4', '--temperature', '0', '--json'];
  const { stdout, stderr } = await moeq(['generate', second, ...greedy]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout).text).toBe(' of the night,');

  const hashes = await Promise.all(
    [whole, second].map(async (path, index) => {
      const out = join(folder.path, `nf4-${index}`);
      const run = await moeq(['quantize', path, '--recipe', 'nf4', '--out', out, '--json']);
      expect([run.status, run.stderr]).toEqual([0, '']);
      const { files } = JSON.parse(run.stdout) as { files: { path: string; sha256: string }[] };
      return files.map((file) => [basename(file.path), file.sha256]);
    }),
  );
  expect(hashes[0]?.length).toBeGreaterThanOrEqual(2);
  expect(hashes[1]).toEqual(hashes[0]);
});

test('options that do not go with it, and recipes of the other kind', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'x.gguf');
  const run = (...more: string[]) => moeq(['quantize', '--to', 'gguf', '--out', out, ...more]);
  const recipe = await run('--recipe', 'nf4');
  expect([recipe.status, recipe.stderr]).toEqual([
    1,
    expect.stringMatching(
      /recipe of --to gguf: .*iq4_nl.*f16.*, or a file, found nf4, which is one of --to s/,
    ),
  ]);
  const resumed = await run('--resume');
  expect([resumed.status, resumed.stderr]).toEqual([
    1,
    expect.stringMatching(/goes with --to gguf, found --resume/),
  ]);
  const container = await moeq(['quantize', '--to', 'onnx', '--out', out]);
  expect(container.status).toBe(2);
  expect(await readdir(folder.path)).toEqual([]);
});
