// Compared with the perplexities that transformers gave for tiny-moe; its README has them.
import { readFile } from 'node:fs/promises';
import { evaluate } from '@moeq/evaluate';
import { openModel } from '@moeq/loader/node';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { expect, test } from 'vitest';

const read = async (name: string) => ({
  name,
  text: await readFile(new URL(`eval/${name}`, modelUrl), 'utf8'),
});

test('perplexity of two texts of tiny-moe, within 0.1 % of those of transformers', async () => {
  const model = await openModel('tiny-moe');
  const texts = [await read('scripture.txt'), await read('code.txt')];
  const backend = await wasmBackend();
  const [evaluation] = await evaluate({ models: [model], texts, backend }).finally(backend.destroy);
  await model.close();
  expect(evaluation?.texts.map(({ tokens }) => tokens)).toEqual([4420, 4685]);
  for (const [index, expected] of [21.7848, 3.8627].entries()) {
    const { perplexity = Number.NaN } = evaluation?.texts[index] ?? {};
    expect(Math.abs(perplexity / expected - 1)).toBeLessThan(1e-3);
  }
});
