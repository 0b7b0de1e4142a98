// What latent attention keeps of a text: R + P numbers a token and layer, whatever the heads are.
import { referenceBackend } from '@moeq/kernels';
import { expect, test } from 'vitest';
import { createModel } from '../load/create-model.js';
import { mixtralLayer, randomSource, tinyLatent, tinyMixtral } from '../testkit/random-source.js';

test.each([1, 4, 9])('the cache of %i heads takes R + P float32 a token and layer', async (heads) => {
  const mixer = { ...tinyLatent, heads };
  const layers = [1, 2, 3].map(() => mixtralLayer(5, 2, 12, mixer));
  const source = randomSource({ ...tinyMixtral, layers }, 3);
  const kvCacheTokens = 48;
  const model = await createModel(source, {
    backend: referenceBackend(),
    contextLength: kvCacheTokens,
    kvCacheTokens,
  });
  const { latentDim, ropeDim } = mixer;
  expect(model.memory.kvCacheBytes).toBe(4 * kvCacheTokens * layers.length * (latentDim + ropeDim));
  await model.close();
});
