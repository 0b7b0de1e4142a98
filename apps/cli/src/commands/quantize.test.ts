import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';
import { temporaryFolder } from '../testkit/folder.js';

const original = join(fileURLToPath(modelUrl), 'model.safetensors');

test('tiny-moe in nf4: the document, and what the files hold', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const { status, stdout, stderr } = await moeq(['quantize', 'tiny-moe', '--out', out, '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  expect(Object.keys(document)).toEqual([
    'out',
    'recipe',
    'bytes',
    'seconds',
    'peakRssBytes',
    'coverage',
    'errors',
    'files',
  ]);
  expect(document).toMatchObject({ out, recipe: 'nf4', bytes: { in: 25_065_984 } });
  expect(document.coverage).toEqual({
    expertBytesQuantized: 18_874_368,
    expertBytesTotal: 18_874_368,
    fraction: 1,
  });
  expect(document.errors.byRole.expert).toBeGreaterThan(0.085);
  expect(document.errors.byRole.expert).toBeLessThan(0.1);
  expect(document.errors.worst).toHaveLength(10);
  expect(document.errors.worst[0]).toMatchObject({ role: 'expert', format: 'nf4-dq' });
  expect(document.files.map(({ path }: { path: string }) => path).sort()).toEqual(
    (await readdir(out)).sort(),
  );

  // Router, norms, embeddings, head and attention are the bytes they were.
  const before = await openSafetensorsFile(original);
  const after = await openSafetensorsFile(join(out, 'model.safetensors'));
  const kept = [...before.tensors.keys()].filter((name) => !name.includes('.experts.'));
  expect(kept).toHaveLength(189 - 144);
  for (const name of kept) expect(await after.read(name), name).toEqual(await before.read(name));
  await Promise.all([before.close(), after.close()]);

  // 65,536 weights a matrix: half a byte each, 1024 codes of scales, 4 nested scales.
  const planes = [...after.tensors.values()].filter(
    ({ name }) => name.includes('.experts.') && !/quant_map$|quant_state/.test(name),
  );
  const bits = (8 * planes.reduce((sum, { bytes }) => sum + bytes, 0)) / (144 * 65_536);
  expect(bits).toBeCloseTo(4 + (8 * (1024 + 16)) / 65_536, 10);
  const summary = JSON.parse((await moeq(['inspect', out, '--json'])).stdout);
  expect(summary.bytes.total).toBe(document.bytes.out);
  expect(summary.bitsPerWeight.byRole.expert).toBeCloseTo(4.28, 2);
  expect(summary.tensors.find(({ role }: { role: string }) => role === 'expert').format).toBe('nf4-dq');
});

test('the table ends the run, and nothing else is on stdout', async () => {
  await using folder = await temporaryFolder();
  const { status, stdout, stderr } = await moeq([
    'quantize',
    '-o',
    join(folder.path, 'out'),
    '-r',
    'nf4-all',
  ]);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/expert +nf4-dq +9\.44 M/);
  expect(stdout).toMatch(/attention +nf4-dq/);
  expect(stdout).toMatch(/head +int8/);
  expect(stdout).toMatch(/router +BF16 .* exact/);
  expect(stdout).toContain('100 % of the expert weights quantized');
});

test('a recipe that forgets experts, touches the router or does not exist writes nothing', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const recipe = async (name: string, data: object) => {
    const path = join(folder.path, `${name}.json`);
    await writeFile(path, JSON.stringify(data));
    return path;
  };
  const forgets = await recipe('forgets', {
    name: 'forgets',
    rules: [{ role: 'attention', quantizer: { name: 'nf4' } }],
  });
  const router = await recipe('router', {
    name: 'all',
    rules: [{ role: ['expert', 'router'], quantizer: { name: 'int4' } }],
  });
  const forgotten = await moeq(['quantize', '--out', out, '--recipe', forgets]);
  expect(forgotten.status).toBe(1);
  expect(forgotten.stderr).toContain('block_sparse_moe.experts.');
  expect(forgotten.stderr).toContain('a rule of the recipe forgets that quantizes this expert tensor');
  const refused = await moeq(['quantize', '--out', out, '--recipe', router]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('the router to be kept');
  await expect(access(out)).rejects.toThrow('ENOENT');
  const allowed = await moeq(['quantize', '--out', out, '--recipe', router, '--allow-router-quantization']);
  expect(allowed.status).toBe(0);
  expect(allowed.stderr).toMatch(/^warning: recipe all quantizes 6 routers to int4: .*kB become/);
  expect(allowed.stdout).toMatch(/router +int4 /);
});

test('an output that is there is not touched without --overwrite', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  expect((await moeq(['quantize', '--out', out])).status).toBe(0);
  const again = await moeq(['quantize', '--out', out]);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain(`moeq: ${out}: cannot write`);
  expect((await moeq(['quantize', '--out', out, '--overwrite', '--recipe', 'int8'])).status).toBe(0);
  expect(await readdir(folder.path)).toEqual(['out']);
});

test('parts made with --shard and merged, or made with --resume, are what one run writes', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const quantize = async (out: string, ...argv: string[]) => {
    const { status, stdout, stderr } = await moeq(['quantize', '--out', at(out), ...argv, '--json']);
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };
  const whole = await quantize('whole');
  const halves = [await quantize('a', '--shard', '1/2'), await quantize('b', '--shard', '2/2')];
  expect(halves[0].bytes.in + halves[1].bytes.in).toBe(whole.bytes.in);
  const merged = await moeq(['merge', at('a'), at('b'), '--out', at('merged'), '--json']);
  expect([merged.status, merged.stderr]).toEqual([0, '']);
  const resumed = await quantize('resumed', '--resume');
  for (const report of [JSON.parse(merged.stdout), resumed]) {
    const { bytes, coverage, errors } = report;
    expect({ bytes, coverage }).toEqual({ bytes: whole.bytes, coverage: whole.coverage });
    expect(errors.worst).toEqual(whole.errors.worst);
    const hashes = (files: { path: string; sha256: string }[]) =>
      files.map(({ path, sha256 }) => `${path} ${sha256}`).sort();
    expect(hashes(report.files)).toEqual(hashes(whole.files));
  }
  const again = await moeq(['quantize', '--out', at('resumed'), '--resume', '--json']);
  expect([again.status, JSON.parse(again.stdout).bytes]).toEqual([0, whole.bytes]);
  expect(again.stderr).toBe(
    `note: done already: ${at('resumed')} holds every byte of this conversion, so nothing was written\n`,
  );
  expect((await readdir(folder.path)).sort()).toEqual(['a', 'b', 'merged', 'resumed', 'whole']);
  const text = async (model: string) => (await moeq(['generate', at(model), '--greedy', '-n', '8'])).stdout;
  expect(await text('merged')).toBe(await text('whole'));
  const part = await moeq(['inspect', at('a')]);
  expect(part.status).toBe(1);
  expect(part.stderr).toMatch(/^moeq: .*\n$/);
});

test('the recipe of the README does what it says', async () => {
  await using folder = await temporaryFolder();
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const recipe = join(folder.path, 'recipe.json');
  await writeFile(recipe, /```json\n(.*?)```/s.exec(readme)?.[1] ?? '');
  const out = join(folder.path, 'out');
  expect(await moeq(['quantize', '--out', out, '--recipe', recipe])).toMatchObject({ status: 0, stderr: '' });
  const { tensors } = JSON.parse((await moeq(['inspect', out, '--json'])).stdout);
  const experts: { name: string; role: string; format: string }[] = tensors;
  for (const { name, role, format } of experts) {
    if (role === 'expert') expect(format, name).toBe(/layers\.[0-3]\./.test(name) ? 'int8' : 'nf4-dq');
  }
});
