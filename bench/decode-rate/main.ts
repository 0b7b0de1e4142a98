// How fast the CPU backend writes: by number of experts with the same active bytes, and by length of the context, with the
// memory traffic beside what plain reading reaches in the same run.
//
//   node decode-rate/main.ts [--threads 2] [--decode 32] [--runs 5] [--experts 8,32,128] [--contexts 64,256,512,1024,2048]
//     [--folder FOLDER]
//
// Each context is measured once, since reading the long ones takes most of the time. Random models of 0.4 GB are written to
// FOLDER, one at a time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { weightBytesPerToken } from '@moeq/evaluate';
import { openModel } from '@moeq/loader/node';
import { createModel, type Model } from '@moeq/runtime';
import { ggufType } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import { type RandomShape, writeRandomGguf } from '../gguf/random-gguf.ts';
import { readBandwidth } from '../kernel-rate/read-bandwidth.ts';
import { median } from '../median.ts';
import { modelRates } from '../model-rates.ts';
import { smallMixtral } from '../random-checkpoint/shape.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '2' },
    decode: { type: 'string', default: '32' },
    runs: { type: 'string', default: '5' },
    experts: { type: 'string', default: '8,32,128' },
    contexts: { type: 'string', default: '64,256,512,1024,2048' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const [threads, decodeTokens, runs] = [Number(values.threads), Number(values.decode), Number(values.runs)];

const { keyValueHeads: kvHeads, ...others } = smallMixtral;
const base: RandomShape = { ...others, kvHeads };
const numbers = (list: string): number[] => (list === '' ? [] : list.split(',').map(Number));
/** A quarter of them active, of the same bytes together. */
const expertCounts = numbers(values.experts);
const contexts = numbers(values.contexts);

/** Tokens per second of writing after a prompt. */
async function decodeRate(model: Model, promptTokens: number, runs: number): Promise<number> {
  const rates: number[] = [];
  for (let run = runs === 1 ? 1 : 0; run <= runs; run++) {
    const prompt = Int32Array.from(
      { length: promptTokens },
      (_, place) => (Math.imul(place + 1 + 7919 * run, 0x9e3779b1) >>> 0) % base.vocabulary,
    );
    const { decode } = await modelRates(model, prompt, decodeTokens);
    if (run > 0) rates.push(decode);
  }
  return median(rates);
}

/** Calls back with a random model of a shape in memory, and the bytes of weights that a token reads. */
async function withModel(shape: RandomShape, work: (model: Model, bytes: number) => Promise<void>) {
  const folder = await mkdtemp(join(values.folder, 'moeq-decode-rate-'));
  try {
    const file = join(folder, 'random.gguf');
    await writeRandomGguf(file, ggufType('IQ4_NL'), shape);
    const backend = await wasmBackend({ threads });
    const source = await openModel(file);
    const contextLength = Math.max(64, ...contexts) + decodeTokens;
    const model = await createModel(source, { backend, contextLength, kvCacheTokens: contextLength });
    await work(model, weightBytesPerToken(source));
    await source.close();
    await model.close();
    await backend.destroy();
  } finally {
    await rm(folder, { recursive: true });
  }
}

const reading = await readBandwidth(threads);
const row = (name: string, rate: number, bytes: number) =>
  console.log(
    `| ${name} | ${rate.toFixed(1)} | ${((rate * bytes) / 1e9).toFixed(2)} | ${Math.round((rate * bytes) / 1e7 / reading)} % |`,
  );
console.log(`IQ4_NL, threads: ${threads}; plain reading ${reading.toFixed(1)} GB/s\n`);
console.log(`| | tokens/s | GB/s of weights | of plain reading |\n| --- | --- | --- | --- |`);
for (const experts of expertCounts) {
  const expertsPerToken = experts / 4;
  const shape = { ...base, experts, expertsPerToken, intermediate: (base.intermediate * 8) / experts };
  await withModel(shape, async (model, bytes) => {
    row(`${experts} experts, ${expertsPerToken} active`, await decodeRate(model, 64, runs), bytes);
    if (experts !== base.experts) return;
    for (const context of contexts)
      row(`${experts} experts, context of ${context}`, await decodeRate(model, context, 1), bytes);
  });
}
