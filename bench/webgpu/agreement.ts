// The backend against the reference backend and against transformers, by the programs of bench/agreement.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Backend, referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { parseRecipe } from '@moeq/quantizers';
import { modelUrl } from '@moeq/tiny-moe';
import { againstReference } from '../agreement/against-reference.ts';
import { againstTransformers } from '../agreement/against-transformers.ts';
import { firstGolden, goldenReference, tinyMoeReference } from '../agreement/reference.ts';
import { table } from './table.ts';

const newTokens = 64;

/** Tokens of a window of held-out text. */
const windowTokens = 256;

/** @param weights `bfloat16`, as they are stored, or names of recipes */
export async function referenceTable(backend: Backend, weights: readonly string[]): Promise<string> {
  const oracle = referenceBackend();
  const prompts = (await readPrompts()).map(({ prompt }) => prompt);
  const texts = { windows: await firstWindows(), prompts, newTokens };
  const rows = [];
  for (const name of weights) {
    const recipe = name === 'bfloat16' ? null : parseRecipe(name).data;
    const result = await againstReference(recipe, { oracle, backend }, texts);
    rows.push([
      result.recipe,
      `${result.greedyTexts.identical} of ${result.greedyTexts.of}`,
      result.meanKl.toExponential(2),
      result.maxKl.toExponential(2),
      `${(100 * result.top1).toFixed(2)} %`,
      result.predicted,
    ]);
  }
  const greedy = `greedy texts of ${newTokens} tokens identical`;
  const head = ['weights', greedy, 'mean KL', 'largest KL', 'same top token', 'predictions'];
  return `## Beside the reference backend, tiny-moe\n\n${table(head, rows)}\n`;
}

export async function transformersTable(backend: Backend): Promise<string> {
  const prompts = await readPrompts();
  const references = [
    await tinyMoeReference(prompts.map((entry) => entry.prompt_tokens)),
    ...(await Promise.all(firstGolden.map(goldenReference))),
  ];
  const rows = [];
  for (const reference of references) {
    const { name, logitDifference, experts, greedyTexts } = await againstTransformers(reference, backend);
    const texts = `${greedyTexts.identical} of ${greedyTexts.of}`;
    rows.push([name, logitDifference.toExponential(2), `${(100 * experts).toFixed(2)} %`, texts]);
  }
  const head = ['model', 'largest difference of a logit', 'same experts', 'greedy texts identical'];
  return `## Beside transformers in float32\n\n${table(head, rows)}\n`;
}

async function readPrompts(): Promise<{ readonly prompt: string; readonly prompt_tokens: number }[]> {
  const path = new URL('../../packages/tiny-moe/testdata/reference.json', import.meta.url);
  return JSON.parse(await readFile(path, 'utf8'));
}

/** The first window of each held-out text. */
async function firstWindows(): Promise<number[][]> {
  const source = await openModel(fileURLToPath(modelUrl));
  const windows: number[][] = [];
  for (const name of ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code']) {
    const text = await readFile(new URL(`eval/${name}.txt`, modelUrl), 'utf8');
    windows.push((source.tokenizer?.encode(text) ?? []).slice(0, windowTokens));
  }
  await source.close();
  return windows;
}
