import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { float32View } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';
import { temporaryFolder } from '../testkit/folder.js';

/** What transformers computed in float32; see packages/tiny-moe/testdata/README.md. */
const reference = fileURLToPath(
  new URL('../../../../packages/tiny-moe/testdata/reference.safetensors', import.meta.url),
);

test('logits and expert choices are those of transformers', async () => {
  await using folder = await temporaryFolder();
  const golden = await openSafetensorsFile(reference);
  const tokens = await golden.read('0.tokens');
  const length = tokens.data.byteLength / 4;
  const ids = [...new Int32Array(tokens.data.buffer, tokens.data.byteOffset, length)];
  const [input, out] = [join(folder.path, 'ids.json'), join(folder.path, 'logits.safetensors')];
  await writeFile(input, JSON.stringify([ids]));
  const { status, stdout } = await moeq([
    'logits',
    'tiny-moe',
    '--backend',
    'reference',
    '--token-ids',
    input,
    '--out',
    out,
  ]);
  expect([status, stdout]).toEqual([0, '']);

  const file = await openSafetensorsFile(out);
  const layers = Array.from({ length: 6 }, (_, layer) => `layers.${layer}.expert_indices`);
  expect([...file.tensors.keys()].sort()).toEqual([...layers, 'logits'].sort());
  const logits = await file.read('logits');
  expect(logits).toMatchObject({ dtype: 'F32', shape: [1, length, 4096] });
  const expected = float32View((await golden.read('0.logits')).data);
  const found = float32View(logits.data);
  expect(found.length).toBe(expected.length);
  const worst = found.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (expected[i] ?? Number.NaN))),
    0,
  );
  expect(worst).toBeLessThan(2e-3);
  for (const layer of layers) {
    const indices = await file.read(layer);
    expect(indices).toMatchObject({ dtype: 'I32', shape: [length, 2] });
    expect(indices.data).toEqual((await golden.read(`0.${layer}`)).data);
  }
  await Promise.all([file.close(), golden.close()]);
});

test('rows are sequences of their own', async () => {
  await using folder = await temporaryFolder();
  const logitsOf = async (rows: number[][]) => {
    const [input, out] = [join(folder.path, 'ids.json'), join(folder.path, 'logits.safetensors')];
    await writeFile(input, JSON.stringify(rows));
    expect(
      (await moeq(['logits', '--backend', 'reference', '--token-ids', input, '--out', out])).status,
    ).toBe(0);
    const file = await openSafetensorsFile(out);
    const { shape, data } = await file.read('logits');
    const experts = await file.read('layers.3.expert_indices');
    await file.close();
    return { shape, data, experts };
  };
  const [a, b] = [
    [1, 72, 900],
    [1, 5, 4095],
  ];
  const both = await logitsOf([a, b]);
  const [first, second] = [await logitsOf([a]), await logitsOf([b])];
  expect(both.shape).toEqual([2, 3, 4096]);
  expect(both.experts.shape).toEqual([6, 2]);
  expect(both.data).toEqual(Uint8Array.from([...first.data, ...second.data]));
  expect(both.experts.data).toEqual(Uint8Array.from([...first.experts.data, ...second.experts.data]));
});

test('ids that are none are one sentence, and nothing is written', async () => {
  await using folder = await temporaryFolder();
  const [input, out] = [join(folder.path, 'ids.json'), join(folder.path, 'out.safetensors')];
  const cases: readonly [content: string, sentence: string][] = [
    ['', 'found text that begins with ""'],
    ['{}', 'found "{}"'],
    ['[]', 'found "[]"'],
    ['[[]]', 'found "[]" as row 0'],
    ['[1]', 'found "1" as row 0'],
    ['[[1],[1,2]]', 'found 1 ids in row 0 and 2 in row 1'],
    ['[[1,-1]]', 'found "-1" in row 0'],
    ['[[1,0.5]]', 'found "0.5" in row 0'],
    ['[[1,4096]]', 'expected token ids from 0 to 4095, found 4096'],
  ];
  for (const [content, sentence] of cases) {
    await writeFile(input, content);
    const { status, stderr } = await moeq(['logits', '--token-ids', input, '--out', out]);
    expect([status, content]).toEqual([1, content]);
    expect(stderr).toContain(sentence);
    await expect(readFile(out)).rejects.toThrow('ENOENT');
  }
});
