// Models whose layers keep a state, on two threads: chunks of any size, and sequences of different lengths in one batch, give the
// same as each sequence alone. The golden checkpoints are small, and hold every kind of recurrent layer.
import type { Backend } from '@moeq/kernels';
import type { OpenedModel } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { createEngine, createModel, type Engine, type Model, type ModelOptions } from '@moeq/runtime';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goldenPath } from '../../../../packages/loader/src/testkit/golden.js';

const contextLength = 1024;

/** Token ids of a prompt, the same for the same seed. */
const someIds = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, place) => (Math.imul(place + 1 + 7919 * seed, 0x9e3779b1) >>> 0) % 256);

describe.each([
  ['qwen3_next', 'gated delta nets, grouped rows'],
  ['qwen3_5_moe_full', 'gated delta nets'],
  ['granitemoehybrid', 'Mamba 2'],
  ['nemotron_h', 'Mamba 2 in groups'],
  ['jamba', 'Mamba'],
])('%s: %s', (name) => {
  let backend: Backend;
  let source: OpenedModel;
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
    const opened = await openModel(goldenPath(name));
    source = { ...opened, config: { ...opened.config, contextLength } };
  });
  afterAll(async () => {
    await source.close();
    await backend.destroy();
  });

  const load = (options: Partial<ModelOptions> = {}) => createModel(source, { backend, ...options });

  test('1, 63, 64, 65 and 1000 tokens at once, in chunks of 64 and one by one: the same bits', async () => {
    const [whole, chunks, single] = [
      await load({ prefillChunk: 1024 }),
      await load({ prefillChunk: 64 }),
      await load({ prefillChunk: 1 }),
    ];
    for (const length of [1, 63, 64, 65, 1000]) {
      const ids = someIds(length, 1);
      const { logits } = await whole.logits(ids);
      expect((await chunks.logits(ids)).logits).toEqual(logits);
      expect((await single.logits(ids)).logits).toEqual(logits);
    }
    for (const model of [whole, chunks, single]) await model.close();
  });

  const promptOf = (length: number, seed: number) => [
    ...someIds(Math.floor(length / 2), 2),
    ...someIds(Math.ceil(length / 2), 3 + seed),
  ];

  /** Texts of an engine, each compared with the same text alone. */
  async function compare(
    model: Model,
    engine: Engine,
    lengths: readonly number[],
    maxNewTokens: number,
  ): Promise<void> {
    const options = { temperature: 0, maxNewTokens, stopTokenIds: [] };
    const prompts = lengths.map(promptOf);
    const write = async (ids: readonly number[]) => {
      for await (const { result } of engine.generate(ids, options)) if (result !== null) return result;
      throw new Error('a text without a result');
    };
    const found = await Promise.all(prompts.map(write));
    for (const [index, { tokenIds }] of found.entries())
      expect(tokenIds).toEqual((await model.complete(prompts[index] ?? [], options)).tokenIds);
  }

  test('eight sequences of different lengths in one batch, half of each a shared prefix', async () => {
    const model = await load({ kvCacheTokens: 8192 });
    const batches: number[] = [];
    const onStep = ({ sequences }: { readonly sequences: number }) => void batches.push(sequences);
    const engine = createEngine(model, { maxBatch: 8, mixedPrefillChunk: 37, onStep });
    const lengths = [1, 17, 31, 63, 64, 65, 100, 130];
    await compare(model, engine, lengths, 24);
    expect(Math.max(...batches)).toBe(8);
    const { cached } = engine.statistics().tokens;
    await compare(model, engine, lengths, 24);
    expect(engine.statistics().tokens.cached).toBeGreaterThan(cached);
    await engine.close();
    await model.close();
  });

  test('sequences that preempt each other', async () => {
    // room for the states of two sequences and for their prompts, but not for both of their texts
    const model = await load({ contextLength: 272, kvCacheTokens: 272 });
    const engine = createEngine(model);
    await compare(model, engine, [100, 110, 105], 64);
    expect(engine.statistics().preemptions).toBeGreaterThan(0);
    await engine.close();
    await model.close();
  });
});
