import { referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { goldenPath } from '../../loader/src/testkit/golden.js';
import { roleMemory, weightBytesPerToken } from './memory.js';
import { openTiny } from './testkit/open-tiny.js';

/** tiny-moe: 6 layers, 8 experts of 3 x 256 x 256, vocabulary 4096, hidden 256. */
const experts = 6 * 8 * 3 * 256 * 256;
const vocabulary = 4096 * 256;

test('bytes by role are those of the files', async () => {
  const source = await openTiny();
  const memory = new Map(roleMemory(source).map(({ role, ...of }) => [role, of]));
  expect(memory.get('expert')).toEqual({ parameters: experts, bytes: 2 * experts });
  expect(memory.get('router')).toEqual({ parameters: 6 * 8 * 256, bytes: 2 * 6 * 8 * 256 });
  expect(memory.get('norm')).toEqual({ parameters: 13 * 256, bytes: 2 * 13 * 256 });
  const total = [...memory.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  expect(total).toBe(source.checkpoint.tensors.reduce((sum, { bytes }) => sum + bytes, 0));
});

test('a recipe that quantizes while loading shows, however often weights are read', async () => {
  const source = await openTiny({ recipe: 'nf4' });
  for (const _ of [1, 2]) await createModel(source, { backend: referenceBackend() });
  const memory = new Map(roleMemory(source).map(({ role, bytes }) => [role, bytes]));
  // Codes, a scale of 8 bits for 64 weights, a float32 for 256 scales of a matrix and an offset a matrix.
  expect(memory.get('expert')).toBe(experts / 2 + experts / 64 + experts / 64 / 64 + 6 * 8 * 3 * 4);
  expect(memory.get('head')).toBe(2 * vocabulary);
});

test('a token reads the experts that it is routed to, one row of the embedding, and all else', async () => {
  const source = await openTiny();
  const attention = 6 * (2 * 256 * 256 + 2 * 64 * 256);
  const rest = 6 * 8 * 256 + 13 * 256;
  expect(weightBytesPerToken(source)).toBe(2 * (experts / 4 + vocabulary + 256 + attention + rest));
  const tied = { ...source, config: { ...source.config, tiedHead: true } };
  expect(weightBytesPerToken(tied)).toBe(weightBytesPerToken(source) + 2 * vocabulary);
});

test('of the inputs of layers a token reads one row, whether the other table is the head or not', async () => {
  const source = await openModel(goldenPath('gemma4_text_inputs'));
  await source.close();
  const { checkpoint, config } = source;
  const table = checkpoint.tensors.find(({ slot }) => slot === 'layerInputEmbedding');
  expect(table).toMatchObject({ facts: { role: 'embedding', shape: [264, 60] }, bytes: 2 * 264 * 60 });
  const without = checkpoint.tensors.filter((tensor) => tensor !== table);
  for (const tiedHead of [true, false]) {
    const own = { ...source, config: { ...config, tiedHead } };
    const less = { ...own, checkpoint: { ...checkpoint, tensors: without } };
    expect(weightBytesPerToken(own) - weightBytesPerToken(less)).toBe(2 * 60);
  }
});
