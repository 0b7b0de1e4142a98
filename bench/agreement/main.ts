// How far every backend is from transformers and from the reference backend. Prints tables; changes nothing.
//
//   node agreement/main.ts [reference] [cpu] [cpu-plain] [webgpu] [--windows N]
//   node agreement/main.ts [reference] [cpu] [cpu-plain] [webgpu] --golden [--folder FOLDER] [--config config.hub.json]
//     [--only NAME,…] [--software]
//
// --golden: the small checkpoints of all architectures alone, those of FOLDER where given, with another configuration file of
// theirs where given. --software: WebGPU on SwiftShader.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Backend, referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { webgpuBackend } from '@moeq/webgpu/node';
import { swiftshader } from '../../scripts/browser.ts';
import { againstReference } from './against-reference.ts';
import { type Agreement, againstTransformers } from './against-transformers.ts';
import { recipes } from './recipes.ts';
import {
  firstGolden,
  goldenFolder,
  goldenNames,
  goldenReference,
  type Reference,
  tinyMoeReference,
} from './reference.ts';

const makers: Readonly<Record<string, () => Promise<Backend>>> = {
  reference: async () => referenceBackend(),
  cpu: () => wasmBackend(),
  'cpu-plain': () => wasmBackend({ simd: 'plain' }),
  webgpu: () => webgpuBackend(),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    windows: { type: 'string', default: '2' },
    golden: { type: 'boolean', default: false },
    folder: { type: 'string', default: goldenFolder },
    config: { type: 'string', default: 'config.json' },
    only: { type: 'string' },
    software: { type: 'boolean', default: false },
  },
});
if (values.software) swiftshader();
const chosen = positionals.length > 0 ? positionals : ['reference', 'cpu'];

const promptLengths = JSON.parse(
  await readFile(new URL('../../packages/tiny-moe/testdata/reference.json', import.meta.url), 'utf8'),
) as { prompt: string; prompt_tokens: number }[];
const references = values.golden
  ? await Promise.all((values.only?.split(',') ?? (await goldenNames(values.folder))).map(golden))
  : [
      await tinyMoeReference(promptLengths.map((entry) => entry.prompt_tokens)),
      ...(await Promise.all(firstGolden.map(goldenReference))),
    ];
const texts = {
  windows: await evalWindows(Number(values.windows)),
  prompts: promptLengths.map((entry) => entry.prompt),
  newTokens: 64,
};

for (const name of chosen) {
  const make = makers[name];
  if (make === undefined)
    throw new Error(`unknown backend ${name}: known are ${Object.keys(makers).join(', ')}`);
  const backend = await make();
  console.log(`\n${backend.description}, against transformers in float32`);
  const rows = [];
  for (const reference of references) {
    const found = await measured(reference, backend);
    if (found instanceof Error) {
      rows.push({ model: reference.name, refused: found.message });
      continue;
    }
    const { logitDifference, largestLogit, experts, greedyTexts } = found;
    rows.push({
      model: reference.name,
      'largest logit difference': logitDifference.toExponential(2),
      'of the largest logit': (logitDifference / largestLogit).toExponential(2),
      'experts identical': percent(experts),
      'greedy texts identical': `${greedyTexts.identical} of ${greedyTexts.of}`,
    });
  }
  console.table(rows);
  if (name !== 'reference' && !values.golden) await printDivergences(backend);
  await backend.destroy();
}

function golden(name: string): Promise<Reference> {
  return goldenReference(join(values.folder, name));
}

/** With the configuration that is asked for; what refuses the model, where one does. */
async function measured(reference: Reference, backend: Backend): Promise<Agreement | Error> {
  const copy = values.config === 'config.json' ? null : await mkdtemp(join(tmpdir(), 'moeq-agreement-'));
  try {
    if (copy === null) return await againstTransformers(reference, backend);
    await cp(reference.model, copy, { recursive: true });
    await cp(join(copy, values.config), join(copy, 'config.json'));
    return await againstTransformers({ ...reference, model: copy }, backend);
  } catch (error) {
    if (values.golden && error instanceof Error) return error;
    throw error;
  } finally {
    if (copy !== null) await rm(copy, { recursive: true });
  }
}

async function printDivergences(backend: Backend): Promise<void> {
  console.log(`${backend.description}, against the reference backend on the same weights of tiny-moe`);
  const oracle = referenceBackend();
  const rows = [];
  for (const recipe of recipes) {
    const result = await againstReference(recipe, { oracle, backend }, texts);
    rows.push({
      weights: result.recipe,
      predictions: result.predicted,
      'mean KL': result.meanKl.toExponential(2),
      'max KL': result.maxKl.toExponential(2),
      'top-1': percent(result.top1),
      perplexity: `${result.perplexityChange >= 0 ? '+' : ''}${(100 * result.perplexityChange).toFixed(3)} %`,
      'greedy texts identical': `${result.greedyTexts.identical} of ${result.greedyTexts.of}`,
    });
  }
  console.table(rows);
}

/** The first windows of 256 tokens of each held-out text. */
async function evalWindows(windowsEach: number): Promise<number[][]> {
  const source = await openModel('tiny-moe');
  const windows: number[][] = [];
  for (const text of ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code']) {
    const ids = source.tokenizer?.encode(await readFile(new URL(`eval/${text}.txt`, modelUrl), 'utf8')) ?? [];
    for (let i = 0; i < windowsEach; i++) windows.push(ids.slice(i * 256, (i + 1) * 256));
  }
  await source.close();
  return windows;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
