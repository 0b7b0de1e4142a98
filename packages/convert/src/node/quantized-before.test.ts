// Models that come quantized: what is quantized stays so, byte for byte, and the rest is quantized beside it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { mixtralFolder, temporaryFolder } from '../testkit/checkpoint.js';
import { mergeParts } from './merge.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

const testdata = fileURLToPath(new URL('../../../loader/testdata', import.meta.url));
const gptOss = join(testdata, 'quantized/gpt_oss_mxfp4');
const prompt = [5, 17, 3, 99, 42, 7, 7, 80];

async function tensorsOf(folder: string): Promise<Map<string, Tensor>> {
  const file = await openSafetensorsFile(join(folder, 'model.safetensors'));
  const tensors = new Map<string, Tensor>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

async function configOf(folder: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
}

async function logitsOf(model: string): Promise<Float32Array> {
  const source = await openModel(model);
  const loaded = await createModel(source, { backend: referenceBackend() });
  await source.close();
  const { logits } = await loaded.logits(prompt);
  await loaded.close();
  return logits;
}

const isMxfp4 = (name: string) => /_(blocks|scales)$/.test(name);
const isExpert = (name: string) => name.includes('.experts.');

test('gpt-oss: the experts as they came, the rest by the recipe, and it runs', async () => {
  await using folder = await temporaryFolder();
  const all = join(folder.path, 'all');
  const before = await tensorsOf(gptOss);
  const own = [...before.keys()].filter(isMxfp4);
  expect(own.length).toBeGreaterThan(4);
  const whole = await quantizeCheckpoint({ model: gptOss, out: all, recipe: 'nf4-all' });
  const both = await tensorsOf(all);
  for (const name of own) expect(both.get(name), name).toEqual(before.get(name));
  expect(both.has('model.layers.0.self_attn.q_proj.weight')).toBe(false);
  expect(whole.warnings).toEqual([]);
  expect(whole.notes).toContain(
    `quantized already, kept as it is: ${own.length / 2} tensors in mxfp4 (expert)`,
  );
  expect(whole.byRole.find(({ role }) => role === 'attention')?.relativeError).toBeGreaterThan(0.01);
  expect((await configOf(all))['quantization_config']).toMatchObject({
    quant_method: 'moeq',
    carried: (await configOf(gptOss))['quantization_config'],
  });

  expect(whole.coverage.fraction).toBe(1);
  const [plain, quantized] = [await logitsOf(gptOss), await logitsOf(all)];
  const distance = Math.hypot(...quantized.map((value, index) => value - (plain[index] ?? 0)));
  expect(distance / Math.hypot(...plain)).toBeLessThan(0.5);
  expect(distance).toBeGreaterThan(0);
});

test('gpt-oss: a recipe for experts alone leaves the model as it was, and says so', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const report = await quantizeCheckpoint({ model: gptOss, out });
  expect(await tensorsOf(out)).toEqual(await tensorsOf(gptOss));
  expect(await configOf(out)).toEqual(await configOf(gptOss));
  expect(report.warnings).toEqual([
    'all that the recipe quantizes is quantized already, so the output is the model as it was',
  ]);
  expect(await logitsOf(out)).toEqual(await logitsOf(gptOss));
});

test('gpt-oss: quantized again where that is asked for', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const report = await quantizeCheckpoint({ model: gptOss, out, requantize: true });
  expect([...(await tensorsOf(out)).keys()].filter(isMxfp4)).toEqual([]);
  expect(report.notes).toEqual([]);
  expect(report.coverage.fraction).toBe(1);
  const experts = report.byRole.find(({ role }) => role === 'expert');
  expect(experts?.stored.toSorted()).toEqual(['BF16', 'nf4-dq']);
  expect(experts?.relativeError).toBeGreaterThan(0.01);
  expect(experts?.relativeError).toBeLessThan(0.15);
  expect(await logitsOf(out)).toHaveLength((await logitsOf(gptOss)).length);
});

test('gpt-oss: in parts on several machines, the same bytes', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const common = { model: gptOss, recipe: 'nf4-all' };
  await quantizeCheckpoint({ ...common, out: at('whole') });
  for (const index of [1, 2])
    await quantizeCheckpoint({ ...common, out: at(`${index}`), shard: { index, of: 2 } });
  await mergeParts({ parts: [at('1'), at('2')], out: at('merged') });
  expect(await tensorsOf(at('merged'))).toEqual(await tensorsOf(at('whole')));
  expect(await configOf(at('merged'))).toEqual(await configOf(at('whole')));
});

test('what bitsandbytes and moeq have quantized stays as it is, twice over', async () => {
  await using model = await mixtralFolder();
  const at = (name: string) => join(model.path, name);
  const attention = { name: 'attention', rules: [{ role: 'attention', quantizer: { name: 'int8' } }] };
  const head = {
    name: 'head',
    rules: [
      { role: 'head', quantizer: { name: 'int4' } },
      { role: 'expert', quantizer: { name: 'int8' } },
    ],
  };
  const keepExperts = (rules: readonly object[]) => [{ role: 'expert', quantizer: 'keep' }, ...rules];
  await quantizeCheckpoint({ model: model.path, out: at('experts') });
  await quantizeCheckpoint({
    model: at('experts'),
    out: at('attention'),
    recipe: { ...attention, rules: keepExperts(attention.rules) },
  });
  await quantizeCheckpoint({ model: at('attention'), out: at('head'), recipe: head });
  const [first, second, last] = [
    await tensorsOf(at('experts')),
    await tensorsOf(at('attention')),
    await tensorsOf(at('head')),
  ];
  for (const [name, tensor] of first) {
    if (isExpert(name)) expect(last.get(name), name).toEqual(tensor);
  }
  for (const [name, tensor] of second) {
    if (name.includes('self_attn')) expect(last.get(name), name).toEqual(tensor);
  }
  expect((await configOf(at('head')))['quantization_config']).toMatchObject({
    quant_method: 'moeq',
    carried: { quant_method: 'moeq', carried: { quant_method: 'bitsandbytes' } },
  });
  expect((await logitsOf(at('head'))).every(Number.isFinite)).toBe(true);
});

test('blocks of GGUF become planes in safetensors, and the model is the same', async () => {
  await using folder = await temporaryFolder();
  const model = join(testdata, 'gguf/q5_0-experts.gguf');
  const out = join(folder.path, 'out');
  const recipe = { name: 'as-it-is', rules: [{ role: 'expert', quantizer: 'keep' }] };
  const report = await quantizeCheckpoint({ model, out, recipe });
  const experts = report.byRole.find(({ role }) => role === 'expert');
  expect(experts).toMatchObject({ stored: ['q5_0', 'F32'], relativeError: 0 });
  expect(await logitsOf(out)).toEqual(await logitsOf(model));
});

test('Kimi-K2 in packed integers: the experts as they came, or quantized again', async () => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const model = join(testdata, 'forms/kimi_k2_int4');
  const report = await quantizeCheckpoint({ model, out: at('kept'), recipe: 'nf4-all' });
  const [before, after] = [await tensorsOf(model), await tensorsOf(at('kept'))];
  const own = [...before.keys()].filter((name) => /\.weight_(packed|scale|shape)$/.test(name));
  expect(own.length).toBeGreaterThan(48);
  for (const name of own) expect(after.get(name), name).toEqual(before.get(name));
  expect(report.coverage.fraction).toBe(1);
  expect((await logitsOf(at('kept'))).every(Number.isFinite)).toBe(true);

  const again = await quantizeCheckpoint({ model, out: at('again'), recipe: 'int8', requantize: true });
  const experts = again.byRole.find(({ role }) => role === 'expert');
  expect(experts?.stored).toEqual(['int8']);
  expect(experts?.relativeError).toBeGreaterThan(1e-4);
  expect(experts?.relativeError).toBeLessThan(0.01);
});
