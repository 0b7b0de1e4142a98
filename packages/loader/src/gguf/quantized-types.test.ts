// Weights of a GGUF file run from their codes: what the kernels see of them, and what comes out.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { openModel } from '../node/open-model.js';

const testdata = (name: string) => fileURLToPath(new URL(`../../testdata/gguf/${name}`, import.meta.url));

interface Expected {
  readonly tokenIds: readonly number[];
  readonly argmax: readonly number[];
}

test('experts in Q5_0 stay codes, and give the tokens that their decoded weights give', async () => {
  const { tokenIds, argmax } = JSON.parse(await readFile(testdata('q5_0-experts.json'), 'utf8')) as Expected;
  const source = await openModel(testdata('q5_0-experts.gguf'));
  const model = await createModel(source, { backend: referenceBackend() });
  const down = source.report().tensors.filter(({ stored }) => stored === 'q5_0');
  expect(down.map(({ role }) => role)).toContain('expert');
  expect(down.every(({ loaded }) => loaded === 'q5_0')).toBe(true);
  await source.close();
  const { logits, vocabularySize } = await model.logits(tokenIds);
  const found = tokenIds.map((_, at) => {
    const row = logits.subarray(at * vocabularySize, (at + 1) * vocabularySize);
    return row.indexOf(Math.max(...row));
  });
  expect(found).toEqual(argmax);
  await model.close();
});
