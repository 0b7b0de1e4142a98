import { referenceBackend } from '@moeq/kernels';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel } from '../load/create-model.js';
import { anyDecoder, anyMixtral } from '../testkit/any-decoder.js';
import { naiveDecoder } from '../testkit/naive-decoder.js';
import {
  mixtralLayer,
  randomSource,
  someIds,
  tinyAttention,
  tinyInputs,
  tinyMixtral,
} from '../testkit/random-source.js';
import { largestDifference } from '../testkit/rows.js';
import type { DecoderConfig } from './config.js';
import { layerMoe } from './layer.js';

/** Float32 against float64 through up to three layers. */
const tolerance = 1e-4;

/** Scores of experts nearer to each other than this may rank differently in float32. */
const closestChoice = 1e-5;

describe('forward', () => {
  test.each([
    ['Mixtral', anyMixtral],
    ['decoder with any options', anyDecoder],
  ])('computes what a float64 %s computes, whatever the sizes and the chunks', async (_, configs) => {
    await fc.assert(
      fc.asyncProperty(
        configs,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        compare,
      ),
      { numRuns: 40 },
    );
  });

  test('prefill at once, in chunks and token by token give the same logits', async () => {
    const source = randomSource(tinyMixtral, 1);
    const ids = someIds(tinyMixtral, 37, 2);
    const outputs = await Promise.all(
      [64, 16, 7, 1].map(async (prefillChunk) => {
        const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
        return (await model.logits(ids)).logits;
      }),
    );
    for (const output of outputs) expect(largestDifference(output, outputs[0] ?? [])).toBeLessThan(1e-6);
  });
});

test.each([
  ['all', { joined: true }],
  ['queries of a layer that reads the keys of another', { joined: true, keysOf: 0 }],
  ['queries and keys that are the values too', { joined: true, keysAsValues: true }],
])('one matrix of %s', async (_, options) => {
  const layers = [tinyAttention, { ...tinyAttention, ...options }].map((mixer) =>
    mixtralLayer(5, 2, 12, mixer),
  );
  await compare({ ...tinyMixtral, layers }, 3, 19, 7);
});

test('a layer that reads what the decoder does not carry is refused', async () => {
  const { carried: _, ...config } = tinyInputs;
  const model = await createModel(randomSource(config, 1), { backend: referenceBackend() });
  await expect(model.logits([1, 2])).rejects.toThrow(
    /cannot run a layer: expected layerInputs, found nothing/,
  );
});

test.each([
  ['a layer behind', { ...tinyAttention, keysOf: 1 }, /layer 0: .*found layer 1/],
  ['other heads', { ...tinyAttention, kvHeads: 1, keysOf: 0 }, /layer 1: .*"kvHeads":1.*found layer 0/],
])('keys and values of %s are not read', async (_, mixer, sentence) => {
  const layer = mixtralLayer(5, 2, 12, mixer);
  const [own] = tinyMixtral.layers;
  const layers = mixer.keysOf === 1 ? [layer, own ?? layer] : [own ?? layer, layer];
  const source = randomSource({ ...tinyMixtral, layers }, 1);
  await expect(createModel(source, { backend: referenceBackend() })).rejects.toThrow(sentence);
});

async function compare(
  config: DecoderConfig,
  seed: number,
  length: number,
  prefillChunk: number,
): Promise<void> {
  const source = randomSource(config, seed);
  const ids = someIds(config, length, seed);
  const expected = await naiveDecoder(source, ids);
  fc.pre(expected.margin > closestChoice);
  const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
  const { logits, routings, tokens, vocabularySize } = await model.logits(ids, { routings: true });
  expect([tokens, vocabularySize]).toEqual([length, config.vocabularySize]);
  expect(largestDifference(logits, expected.logits.flat())).toBeLessThan(tolerance);
  const moeLayers = config.layers.flatMap((each, layer) => (layerMoe(each) === null ? [] : [layer]));
  expect(routings.map(({ layer }) => layer)).toEqual(moeLayers);
  for (const [index, { expertIndices }] of routings.entries()) {
    expect([...expertIndices]).toEqual(expected.experts[index]?.flat());
  }
}
