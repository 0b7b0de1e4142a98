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

/** So few predictions of a backend that keeps the budget show it to two standard errors. */
const leastTop1 = budget.top1 - 2 * Math.sqrt((budget.top1 * (1 - budget.top1)) / predictions);

describe('the CPU backend against the reference', () => {
  let backend: Backend;
  let window: number[];
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
    const source = await openModel('tiny-moe');
    const text = await readFile(new URL('eval/encyclopedia.txt', modelUrl), 'utf8');
    window = (source.tokenizer?.encode(text) ?? []).slice(0, predictions + 1);
    await source.close();
  });
  afterAll(() => backend.destroy());

  test.each(recipes.map((recipe) => [recipe?.name ?? 'bfloat16', recipe] as const))(
    '%s weights',
    async (_, recipe) => {
      const backends = { oracle: referenceBackend(), backend };
      const found = await againstReference(recipe, backends, {
        windows: [window],
        prompts: [],
        newTokens: 1,
      });
      expect(found.predicted).toBe(predictions);
      expect(found.meanKl).toBeLessThan(budget.meanKl);
      expect(found.top1).toBeGreaterThanOrEqual(leastTop1);
      expect(Math.abs(found.perplexityChange)).toBeLessThan(budget.perplexityChange);
    },
    60_000,
  );
});
