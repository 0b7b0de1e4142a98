// moeq against wllama in one page of Chromium, cross-origin isolated: the same file, alternating runs, medians, ratios.
//
//   node wllama/main.ts --gguf FILE.gguf [--threads 2] [--prompt 64] [--decode 32] [--runs 5]
//
// FILE from
//   node gguf/random-gguf.ts --out FILE.gguf --type Q4_0 --vocabulary 4096
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { launchChromium } from '../../scripts/browser.ts';
import { openPage } from '../../scripts/in-chromium/open-page.ts';
import type { Rates } from '../llama-cpp/contender.ts';
import { median } from '../median.ts';

const { values } = parseArgs({
  options: {
    gguf: { type: 'string' },
    threads: { type: 'string', default: '2' },
    prompt: { type: 'string', default: '64' },
    decode: { type: 'string', default: '32' },
    runs: { type: 'string', default: '5' },
  },
});
if (values.gguf === undefined) throw new Error('--gguf FILE is needed');
const [threads, promptTokens, decodeTokens, runs] = (['threads', 'prompt', 'decode', 'runs'] as const).map(
  (name) => Number(values[name]),
) as [number, number, number, number];

const wasm = createRequire(import.meta.url).resolve('@wllama/wllama/esm/wasm/wllama.wasm');
const browser = await launchChromium();
await using opened = await openPage<typeof import('./page.ts')>(browser, {
  entry: fileURLToPath(new URL('page.ts', import.meta.url)),
  packages: 'built',
  isolated: true,
  files: { '/wllama.wasm': pathToFileURL(wasm), '/model.gguf': pathToFileURL(resolve(values.gguf)) },
});
const settings = { gguf: '/model.gguf', threads, contextLength: promptTokens + decodeTokens + 16 };
const contenders = [
  await opened.module.evaluateHandle((page, settings) => page.openMoeq(settings), settings),
  await opened.module.evaluateHandle((page, settings) => page.openWllama(settings), settings),
];

const rates = contenders.map((): Rates[] => []);
for (let run = 0; run <= runs; run++) {
  const prompt = Array.from({ length: promptTokens }, (_, place) => {
    const random = Math.imul(place + 1 + 7919 * run, 0x9e3779b1) >>> 16;
    return String.fromCharCode(65 + (random % 26));
  }).join('');
  for (const [index, contender] of contenders.entries()) {
    const measured = await contender.evaluate(
      ({ measure }, { prompt, decodeTokens }) => measure(prompt, decodeTokens),
      { prompt, decodeTokens },
    );
    const { prefill, decode } = measured;
    console.error(`${run} ${index === 0 ? 'moeq' : 'wllama'} ${prefill.toFixed(1)} ${decode.toFixed(1)}`);
    if (run > 0) rates[index]?.push(measured); // the first run warms up
  }
}

const rows = await Promise.all(
  contenders.map(async (contender, index) => ({
    name: await contender.evaluate(({ name }) => name),
    prefill: median((rates[index] ?? []).map((rate) => rate.prefill)),
    decode: median((rates[index] ?? []).map((rate) => rate.decode)),
  })),
);
for (const contender of contenders) await contender.evaluate((each) => each.close());
await browser.close();

console.table(
  rows.map(({ name, prefill, decode }) => ({
    name,
    [`prefill of ${promptTokens}, tokens/s`]: prefill.toFixed(1),
    [`decode of ${decodeTokens}, tokens/s`]: decode.toFixed(1),
  })),
);
const [own, other] = rows;
for (const kind of ['prefill', 'decode'] as const)
  console.log(
    `${kind}: ${((own?.[kind] ?? Number.NaN) / (other?.[kind] ?? Number.NaN)).toFixed(1)} times wllama`,
  );
