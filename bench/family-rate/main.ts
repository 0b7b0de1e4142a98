// How fast the CPU backend writes with layers of each family, beside a Mixtral that reads as many bytes of weights a token: the
// same seed, in turn, in one run.
//
//   node family-rate/main.ts [--recipe nf4-all] [--threads 2] [--context 256] [--decode 32] [--pairs 5]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { weightBytesPerToken } from '@moeq/evaluate';
import type { Backend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel, type Model } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import { median } from '../median.ts';
import { modelRates } from '../model-rates.ts';
import { deepseekConfig, deepseekTensors, smallDeepseek } from '../random-checkpoint/deepseek.ts';
import { qwenDeltaConfig, qwenDeltaTensors, smallQwenDelta } from '../random-checkpoint/qwen-delta.ts';
import { configOf, type ShapedTensor, smallMixtral, tensorsOf } from '../random-checkpoint/shape.ts';
import { writeRandomTensors } from '../random-checkpoint/write.ts';

const { values } = parseArgs({
  options: {
    recipe: { type: 'string', default: 'nf4-all' },
    threads: { type: 'string', default: '2' },
    context: { type: 'string', default: '256' },
    decode: { type: 'string', default: '32' },
    pairs: { type: 'string', default: '5' },
  },
});
const [threads, context, decodeTokens, pairs] = [
  Number(values.threads),
  Number(values.context),
  Number(values.decode),
  Number(values.pairs),
];

const families: readonly (readonly [name: string, tensors: readonly ShapedTensor[], config: string])[] = [
  ['mixtral', [...tensorsOf(smallMixtral)], configOf(smallMixtral)],
  ['deepseek_v3', [...deepseekTensors(smallDeepseek)], deepseekConfig(smallDeepseek)],
  ['qwen3_5_moe', [...qwenDeltaTensors(smallQwenDelta)], qwenDeltaConfig(smallQwenDelta)],
];

interface Family {
  readonly name: string;
  readonly model: Model;
  readonly backend: Backend;
  readonly bytes: number;
  readonly rates: number[];
  readonly prefill: number[];
}

const folder = await mkdtemp(join(tmpdir(), 'moeq-family-rate-'));
const opened: Family[] = [];
try {
  for (const [name, tensors, config] of families) {
    const path = join(folder, name);
    await writeRandomTensors(path, tensors, config, 1);
    const backend = await wasmBackend({ threads });
    const recipe = values.recipe === 'bf16' ? {} : { recipe: values.recipe };
    const source = await openModel(path, recipe);
    const contextLength = context + decodeTokens;
    const model = await createModel(source, { backend, contextLength, kvCacheTokens: contextLength });
    opened.push({ name, model, backend, bytes: weightBytesPerToken(source), rates: [], prefill: [] });
    await source.close();
  }
  for (let pair = 0; pair <= pairs; pair++) {
    const prompt = Int32Array.from(
      { length: context },
      (_, place) => (Math.imul(place + 1 + 7919 * pair, 0x9e3779b1) >>> 0) % smallMixtral.vocabulary,
    );
    for (const { model, rates, prefill } of opened) {
      const { decode, prefill: read } = await modelRates(model, prompt, decodeTokens);
      // the first is to warm up
      if (pair > 0) {
        rates.push(decode);
        prefill.push(read);
      }
    }
  }
} finally {
  await rm(folder, { recursive: true });
}

const [first] = opened as [Family, ...Family[]];
console.log(`${values.recipe}, threads: ${threads}, context of ${context}, medians of ${pairs} in turn\n`);
console.log('| | weights a token, MB | decode, tokens/s | per byte, of Mixtral | prefill, tokens/s |');
console.log('| --- | --- | --- | --- | --- |');
for (const { name, bytes, rates, prefill } of opened) {
  const ratio = median(
    rates.map((rate, pair) => (rate * bytes) / ((first.rates[pair] as number) * first.bytes)),
  );
  console.log(
    `| ${name} | ${(bytes / 1e6).toFixed(1)} | ${median(rates).toFixed(1)} | ${ratio.toFixed(2)} | ${median(prefill).toFixed(0)} |`,
  );
}
for (const { model, backend } of opened) {
  await model.close();
  await backend.destroy();
}
