// On a page of tiny-moe's held-out text the CPU backend gives what the reference backend gives on the same quantized weights,
// within the budget that users are promised: `npm run --prefix bench agreement cpu` measures it on many.
import { readFile } from 'node:fs/promises';
import { type Backend, referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { againstReference } from './against-reference.ts';
import { recipes } from './recipes.ts';

const budget = { meanKl: 1e-3, top1: 0.99, perplexityChange: 2e-3 };

const predictions = 127;

/** Windows of 256 tokens of each held-out text for int4, whose activations of 8 bits come closest to the budget. */
const int4Windows = 2;
const texts = ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code'];

describe('the CPU backend against the reference', () => {
  let backend: Backend;
  let window: number[];
  const many: number[][] = [];
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
    const source = await openModel('tiny-moe');
    for (const text of texts) {
      const ids =
        source.tokenizer?.encode(await readFile(new URL(`eval/${text}.txt`, modelUrl), 'utf8')) ?? [];
      if (text === 'encyclopedia') window = ids.slice(0, predictions + 1);
      for (let i = 0; i < int4Windows; i++) many.push(ids.slice(i * 256, (i + 1) * 256));
    }
    await source.close();
  });
  afterAll(() => backend.destroy());

  test.each(recipes.map((recipe) => [recipe?.name ?? 'bfloat16', recipe] as const))(
    '%s weights',
    async (_, recipe) => {
      const backends = { oracle: referenceBackend(), backend };
      const windows = recipe?.name === 'int4' ? many : [window];
      const found = await againstReference(recipe, backends, {
        windows,
        prompts: [],
        newTokens: 1,
      });
      expect(found.predicted).toBe(windows.reduce((sum, each) => sum + each.length - 1, 0));
      expect(found.meanKl).toBeLessThan(budget.meanKl);
      expect(found.top1).toBeGreaterThanOrEqual(budget.top1);
      expect(Math.abs(found.perplexityChange)).toBeLessThan(budget.perplexityChange);
    },
    300_000,
  );
});
