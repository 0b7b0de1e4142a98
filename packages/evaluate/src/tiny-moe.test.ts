// Held against the figures that transformers gave for tiny-moe; its README has them.
import { readFile } from 'node:fs/promises';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { expect, test } from 'vitest';
import { evaluate } from './evaluate.js';
import { openTiny } from './testkit/open-tiny.js';

const read = async (name: string) => ({
  name,
  text: await readFile(new URL(`eval/${name}`, modelUrl), 'utf8'),
});

test('perplexity of two texts of tiny-moe, within 0.1 % of those of transformers', async () => {
  const models = [await openTiny()];
  const texts = [await read('scripture.txt'), await read('code.txt')];
  const backend = await wasmBackend();
  const [evaluation] = await evaluate({ models, texts, backend }).finally(backend.destroy);
  expect(evaluation?.texts.map(({ tokens }) => tokens)).toEqual([4420, 4685]);
  for (const [index, expected] of [21.7848, 3.8627].entries()) {
    const { perplexity = Number.NaN } = evaluation?.texts[index] ?? {};
    expect(Math.abs(perplexity / expected - 1)).toBeLessThan(1e-3);
  }
});
