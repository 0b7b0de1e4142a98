// Layers that keep a state: a text in chunks of any size gives what it gives token by token.
import { describe, expect, test } from 'vitest';
import { createModel } from '../load/create-model.js';
import {
  mixtralLayer,
  randomSource,
  someIds,
  tinyDeltaNet,
  tinyKimiDelta,
  tinyMamba,
  tinyMamba2,
  tinyMixtral,
} from '../testkit/random-source.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import type { DecoderConfig } from './config.js';
import type { MixerConfig } from './mixers.js';

async function run(config: DecoderConfig, length: number, prefillChunk: number) {
  const backend = watchedBackend();
  const model = await createModel(randomSource(config, 5), { backend, prefillChunk });
  const before = backend.steps();
  const { logits } = await model.logits(someIds(config, length, 3));
  const steps = backend.steps() - before;
  await model.close();
  return { logits, steps };
}

describe.each<readonly [string, MixerConfig]>([
  ['gated delta net', tinyDeltaNet],
  ['Kimi Delta Attention', tinyKimiDelta],
  ['Mamba 2', tinyMamba2],
  ['Mamba', tinyMamba],
])('%s', (_, mixer) => {
  const config = { ...tinyMixtral, contextLength: 1024, layers: [mixtralLayer(5, 2, 12, mixer)] };

  test.each([1, 63, 64, 65, 1000])('%i tokens at once, in chunks of 64 and one by one', async (length) => {
    const [whole, chunks, single] = [
      await run(config, length, 1024),
      await run(config, length, 64),
      await run(config, length, 1),
    ];
    expect([whole.steps, chunks.steps, single.steps]).toEqual([1, Math.ceil(length / 64), length]);
    expect(chunks.logits).toEqual(whole.logits);
    expect(single.logits).toEqual(whole.logits);
  });
});
