// moeq against native llama.cpp: one shape, the same bits, alternating runs, medians, ratios.
//
//   node llama-cpp/main.ts --model FOLDER --gguf FILE.gguf [--threads 1,2] [--prompt 256] [--decode 64] [--runs 5]
//
// FOLDER and FILE have the same shape and as many bits a weight. FILE needs a tokenizer, which a random checkpoint has none
// of; random codes are as fast as others.
//   node random-checkpoint/main.ts --out out/random
//   moeq quantize out/random --out out/random-nf4 --recipe nf4-all
//   node gguf/random-gguf.ts --out out/random.gguf --type IQ4_NL --vocabulary 4096
import { parseArgs } from 'node:util';
import { median } from '../median.ts';
import type { Contender, Rates } from './contender.ts';
import { llamaContender } from './llama.ts';
import { moeqContender } from './moeq.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    gguf: { type: 'string' },
    threads: { type: 'string', default: '1,2' },
    prompt: { type: 'string', default: '256' },
    decode: { type: 'string', default: '64' },
    runs: { type: 'string', default: '5' },
    vocabulary: { type: 'string', default: '4096' },
  },
});
const { model, gguf } = values;
if (model === undefined || gguf === undefined) throw new Error('--model FOLDER and --gguf FILE are needed');
const [promptTokens, decodeTokens, runs] = [
  Number(values.prompt),
  Number(values.decode),
  Number(values.runs),
];
const contextLength = promptTokens + decodeTokens + 16;
const threadCounts = values.threads.split(',').map(Number);

const contenders: Contender[] = [];
for (const threads of threadCounts) {
  contenders.push(await moeqContender(model, threads, contextLength));
  contenders.push(await llamaContender(gguf, threads, contextLength));
}

const rates = new Map(contenders.map(({ name }) => [name, [] as Rates[]]));
for (let run = 0; run <= runs; run++) {
  const prompt = Int32Array.from(
    { length: promptTokens },
    (_, place) =>
      ((Math.imul(place + 1 + 7919 * run, 0x9e3779b1) >>> 0) % (Number(values.vocabulary) - 6)) + 6,
  );
  for (const contender of contenders) {
    const measured = await contender.measure(prompt, decodeTokens);
    if (run > 0) rates.get(contender.name)?.push(measured); // the first run warms up
  }
}
for (const contender of contenders) await contender.close();

const summary = [...rates].map(([name, all]) => ({
  name,
  prefill: median(all.map((rate) => rate.prefill)),
  decode: median(all.map((rate) => rate.decode)),
}));
console.table(
  summary.map(({ name, prefill, decode }) => ({
    name,
    [`prefill of ${promptTokens}, tokens/s`]: prefill.toFixed(1),
    [`decode of ${decodeTokens}, tokens/s`]: decode.toFixed(1),
  })),
);
const best = (side: string, kind: 'prefill' | 'decode') =>
  Math.max(...summary.filter(({ name }) => name.startsWith(side)).map((row) => row[kind]));
for (const kind of ['prefill', 'decode'] as const)
  console.log(
    `${kind}: ${(best('moeq', kind) / best('llama.cpp', kind)).toFixed(2)} times llama.cpp at its best`,
  );
process.exit(0);
