// Texts written together against the same texts one after the other, from short prompts: what continuous batching gains.
//
//   node batched-decode/main.ts [--model tiny-moe] [--gguf FILE.gguf] [--texts 8] [--tokens 64] [--runs 3] [--threads 2]
//     [--vocabulary 4096]
//
// Texts are drawn at temperature 1, so that they differ and wake different experts. Medians of alternating runs.
import { parseArgs } from 'node:util';
import { median } from '../median.ts';
import type { Contender } from './contender.ts';
import { llamaContender } from './llama.ts';
import { moeqContender } from './moeq.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny-moe' },
    gguf: { type: 'string' },
    texts: { type: 'string', default: '8' },
    tokens: { type: 'string', default: '64' },
    runs: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    vocabulary: { type: 'string', default: '4096' },
  },
});
const [texts, tokens, runs, threads, vocabulary] = [
  Number(values.texts),
  Number(values.tokens),
  Number(values.runs),
  Number(values.threads),
  Number(values.vocabulary),
];
/** Shorter than a page of the cache, so that no run finds another's. */
const promptTokens = 8;
const contextLength = promptTokens + tokens + 8;

const contenders: Contender[] = [await moeqContender(values.model, threads, texts, contextLength)];
if (values.gguf !== undefined)
  contenders.push(await llamaContender(values.gguf, threads, texts, contextLength));

const rates = new Map(
  contenders.map(({ name }) => [name, { alone: [] as number[], together: [] as number[] }]),
);
for (let run = 0; run <= runs; run++) {
  const prompts = Array.from({ length: texts }, (_, text) =>
    Array.from({ length: promptTokens }, (_, place) => (mix(place, text, run) % (vocabulary - 6)) + 6),
  );
  for (const contender of contenders) {
    for (const way of ['alone', 'together'] as const) {
      const began = performance.now();
      await contender.write(prompts, tokens, way === 'together');
      const rate = (1000 * texts * tokens) / (performance.now() - began);
      if (run > 0) rates.get(contender.name)?.[way].push(rate); // the first run warms up
    }
  }
}
for (const contender of contenders) await contender.close();

console.table(
  [...rates].map(([name, { alone, together }]) => ({
    name,
    'one after the other, tokens/s': median(alone).toFixed(1),
    'together, tokens/s': median(together).toFixed(1),
    ratio: (median(together) / median(alone)).toFixed(2),
  })),
);
process.exit(0);

function mix(...numbers: readonly number[]): number {
  return numbers.reduce((hash, number) => Math.imul(hash ^ number, 0x9e3779b1) >>> 7, 1);
}
