// On a page of tiny-moe's held-out text the CPU backend gives what the reference backend gives on the same quantized weights,
// within the budget that users are promised: `npm run --prefix bench agreement cpu` measures it on many.
import { readFile } from 'node:fs/promises';
import { type Backend, referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { againstReference } from './against-reference.ts';
import { decodedBackend } from './decoded.ts';
import { recipes } from './recipes.ts';

const budget = { meanKl: 1e-3, top1: 0.99, perplexityChange: 2e-3 };

/** Predictions of a page of the encyclopedia, for what is all but exact. */
const page = 127;

/** Windows of 256 tokens of each held-out text for 4-bit codes, whose activations of 8 bits come close to the budget. */
const windowsEach = 2;
const texts = ['scripture', 'drama', 'dictionary', 'encyclopedia', 'code'];
const fourBits = ['nf4', 'fp4', 'int4', 'nf4-all'];

const noPrompts = { prompts: [], newTokens: 1 };

describe('the CPU backend against the reference', () => {
  let backend: Backend;
  let exact: Backend;
  let pageWindow: number[];
  const many: number[][] = [];
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
    exact = decodedBackend(await wasmBackend({ threads: 2 }));
    const source = await openModel('tiny-moe');
    for (const text of texts) {
      const ids =
        source.tokenizer?.encode(await readFile(new URL(`eval/${text}.txt`, modelUrl), 'utf8')) ?? [];
      if (text === 'encyclopedia') pageWindow = ids.slice(0, page + 1);
      for (let i = 0; i < windowsEach; i++) many.push(ids.slice(i * 256, (i + 1) * 256));
    }
    await source.close();
  });
  afterAll(() => Promise.all([backend.destroy(), exact.destroy()]));

  test('weights decoded to float32 stand for it', async () => {
    const backends = { oracle: referenceBackend(), backend: exact };
    const nf4 = recipes.find((recipe) => recipe?.name === 'nf4-all') ?? null;
    const found = await againstReference(nf4, backends, { windows: [pageWindow], ...noPrompts });
    expect(found.predicted).toBe(page);
    expect(found.maxKl).toBeLessThan(1e-8);
    expect(found.top1).toBe(1);
  }, 300_000);

  test.each(recipes.map((recipe) => [recipe?.name ?? 'bfloat16', recipe] as const))(
    '%s weights',
    async (name, recipe) => {
      const close = fourBits.includes(name);
      const windows = close ? many : [pageWindow];
      const backends = { oracle: close ? exact : referenceBackend(), backend };
      const found = await againstReference(recipe, backends, { windows, ...noPrompts });
      expect(found.predicted).toBe(windows.reduce((sum, each) => sum + each.length - 1, 0));
      expect(found.meanKl).toBeLessThan(budget.meanKl);
      expect(found.top1).toBeGreaterThanOrEqual(budget.top1);
      expect(Math.abs(found.perplexityChange)).toBeLessThan(budget.perplexityChange);
    },
    300_000,
  );
});
