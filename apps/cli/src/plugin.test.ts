import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';
import { evenCodebook, logBytes } from './testkit/plugins.js';

test('a codebook of one’s own: quantized, loaded and generating; its layout needs no plugin to be read', async () => {
  await using folder = await temporaryFolder();
  const [plugin, out] = [join(folder.path, 'even16.mjs'), join(folder.path, 'out')];
  await writeFile(plugin, evenCodebook);

  const unknown = await moeq(['quantize', '--out', out, '--recipe', 'even16']);
  expect(unknown.status).toBe(1);
  expect(unknown.stderr).toContain('recipe "even16"');
  expect(unknown.stderr).toContain('nf4, nf4-all, int4, int8, mixed');

  const made = await moeq(['quantize', '--out', out, '--recipe', 'even16', '--plugin', plugin, '--json']);
  expect(made.status).toBe(0);
  const { coverage, errors } = JSON.parse(made.stdout);
  expect(coverage.fraction).toBe(1);
  expect(errors.byRole.expert).toBeGreaterThan(0.05);
  expect(errors.byRole.expert).toBeLessThan(0.12);
  const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
  expect(config.quantization_config).toMatchObject({
    quant_method: 'moeq',
    formats: { even16: { values: 16 } },
  });

  const text = (...argv: string[]) =>
    moeq(['generate', ...argv, '--backend', 'reference', '--greedy', '-n', '10', '-p', 'The sea']);
  const stored = await text(out);
  expect(stored.status).toBe(0);
  expect(stored.stdout.trim().length).toBeGreaterThan(5);
  const loaded = await text('tiny-moe', '--recipe', 'even16', '--plugin', plugin);
  expect(loaded.stdout).toBe(stored.stdout);
});

test('a format that no layout describes: with its plugin it generates, without it the error names it', async () => {
  await using folder = await temporaryFolder();
  const [plugin, out] = [join(folder.path, 'log8.mjs'), join(folder.path, 'out')];
  await writeFile(plugin, logBytes);
  const made = await moeq(['quantize', '--out', out, '--recipe', 'log8', '--plugin', plugin, '--json']);
  expect(made.status).toBe(0);
  const { errors, coverage } = JSON.parse(made.stdout);
  expect(coverage.fraction).toBe(1);
  expect(errors.byRole.expert).toBeLessThan(0.05);

  const generate = ['generate', out, '--greedy', '-n', '10'];
  const without = await moeq(generate);
  expect([without.status, without.stdout]).toEqual([1, '']);
  expect(without.stderr).toContain('log8');
  const wrong = join(folder.path, 'even16.mjs');
  await writeFile(wrong, evenCodebook);
  const other = await moeq([...generate, '--plugin', wrong]);
  expect(other.status).toBe(1);
  expect(other.stderr).toContain('even16');
  const found = await moeq([...generate, '--plugin', plugin]);
  expect(found.status).toBe(0);
  expect(found.stderr).toContain('decoded to float32');
  expect(found.stdout.trim().length).toBeGreaterThan(5);
});
