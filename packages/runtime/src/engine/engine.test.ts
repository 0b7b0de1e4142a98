import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Kept, keepingConfig } from '../testkit/cached-model.js';
import { load, pieces, prompt, source } from '../testkit/loaded-model.js';
import { lossyBackend } from '../testkit/lossy-backend.js';
import { randomSource, someIds, tinyMixtral } from '../testkit/random-source.js';
import { start, write } from '../testkit/started-engine.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import { createEngine } from './create-engine.js';

describe('engine', () => {
  test('any mix of requests, in any cache, after any loss, is each request alone', async () => {
    const kept: readonly (readonly Kept[])[] = [
      [5, null, 20],
      [{ taps: 3 }, null],
      [{ taps: 4 }],
      ['latent', 'latent'],
      ['latent', { taps: 3 }, 7],
      ['mamba2', null],
      ['mamba', 'mamba2'],
      ['delta', null],
      ['delta', { taps: 3 }, 'mamba2'],
    ];
    const sources = [source, ...kept.map((layers) => randomSource(keepingConfig(layers, 64), 7))];
    const alone = await Promise.all(sources.map((each) => load({}, each)));
    const text = fc.record({
      beginning: fc.nat({ max: 2 }),
      shared: fc.integer({ min: 0, max: 40 }),
      own: fc.integer({ min: 1, max: 8 }),
      seed: fc.nat({ max: 99 }),
      maxNewTokens: fc.integer({ min: 1, max: 12 }),
      delay: fc.nat({ max: 4 }),
      presencePenalty: fc.constantFrom(0, 0.5),
    });
    const shape = fc.record({
      texts: fc.array(text, { minLength: 1, maxLength: 8 }),
      pages: fc.integer({ min: 4, max: 12 }),
      prefillChunk: fc.constantFrom(1, 5, 16, 64),
      maxBatch: fc.integer({ min: 1, max: 8 }),
      which: fc.nat({ max: kept.length }),
      loss: fc.option(fc.nat({ max: 12 })),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ texts, pages, prefillChunk, maxBatch, which, loss }) => {
        const backend = lossyBackend();
        const model = await load({ kvCacheTokens: pages * 16, prefillChunk, backend }, sources[which]);
        const engine = createEngine(model, { maxBatch, mixedPrefillChunk: 7 });
        const turns = async (count: number) => {
          for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        };
        if (loss !== null) void turns(loss).then(() => backend.lose());
        const results = await Promise.all(
          texts.map(async ({ beginning, shared, own, delay, ...options }) => {
            const ids = [
              ...someIds(tinyMixtral, shared, beginning),
              ...someIds(tinyMixtral, own, options.seed),
            ];
            await turns(delay);
            return { ids, options, found: await write(engine, ids, options) };
          }),
        );
        for (const { ids, options, found } of results) {
          const expected = await alone[which]?.complete(ids, options);
          expect(found.tokenIds).toEqual(expected?.tokenIds);
          expect([found.text, found.finishReason, found.promptTokenIds]).toEqual([
            expected?.text,
            expected?.finishReason,
            expected?.promptTokenIds,
          ]);
        }
        await engine.drain();
        expect(engine.statistics().kvCache).toMatchObject({
          used: 0,
          cached: 0,
          free: pages * ([1, 3, 1, 0, 1, 2, 1, 0, 1, 0][which] as number),
        });
      }),
      { numRuns: 40 },
    );
  });

  test('texts share steps', async () => {
    const backend = watchedBackend();
    const engine = createEngine(await load({ backend }));
    const before = backend.steps();
    await Promise.all(
      [1, 2, 3, 4, 5].map((seed) => write(engine, prompt.slice(seed), { seed, maxNewTokens: 10 })),
    );
    expect(backend.steps() - before).toBeLessThanOrEqual(11);
    expect(engine.statistics()).toMatchObject({ running: 0, waiting: 0, tokens: { generated: 50 } });
  });

  test('a beginning that another text has left is not computed again', async () => {
    const { engine } = await start();
    const ids = someIds(tinyMixtral, 40, 3);
    const first = await write(engine, ids, { seed: 1, maxNewTokens: 4 });
    const again = await write(engine, ids, { seed: 1, maxNewTokens: 4 });
    const longer = await write(engine, [...ids, ...first.tokenIds, 1, 2, 3, 4, 5], {
      seed: 1,
      maxNewTokens: 1,
    });
    expect([first, again, longer].map(({ reusedPromptTokens }) => reusedPromptTokens)).toEqual([0, 32, 32]);
    expect(again.tokenIds).toEqual(first.tokenIds);
    expect(engine.statistics().tokens).toEqual({ prefilled: 40 + 8 + 17, cached: 64, generated: 9 });
  });

  test.each([16, 256])(
    'texts with one beginning that come together compute it once, in chunks of %i',
    async (prefillChunk) => {
      const { engine } = await start({ prefillChunk });
      const ids = someIds(tinyMixtral, 48, 3);
      await Promise.all([1, 2, 3].map((seed) => write(engine, [...ids, seed], { seed, maxNewTokens: 2 })));
      expect(engine.statistics().tokens).toMatchObject({ prefilled: 48 + 3, cached: 96 });
    },
  );

  test('layers with states share a beginning up to the last page that a prompt has filled', async () => {
    const model = await load({}, randomSource(keepingConfig([{ taps: 3 }, null]), 7));
    const engine = createEngine(model);
    const beginning = someIds(tinyMixtral, 50, 1);
    const options = { seed: 1, maxNewTokens: 3, stopTokenIds: [] };
    await write(engine, beginning, options);
    const { tokens: before } = engine.statistics();
    expect(before.prefilled).toBe(50);
    const longer = [...beginning, ...someIds(tinyMixtral, 9, 2)];
    const found = await write(engine, longer, options);
    expect(engine.statistics().tokens.prefilled - before.prefilled).toBe(59 - 48);
    expect(found.tokenIds).toEqual((await model.complete(longer, options)).tokenIds);
    await engine.close();
    await model.close();
  });

  test('new prompts delay running requests by one chunk a step, all of them together', async () => {
    const steps: { sequences: number; tokens: number }[] = [];
    const engine = createEngine(await load(), { mixedPrefillChunk: 7, onStep: (step) => steps.push(step) });
    const long = engine.generate(prompt, { seed: 1, maxNewTokens: 40, stopTokenIds: [] });
    await long.next();
    const others = [2, 3, 4].map((seed) =>
      write(engine, someIds(tinyMixtral, 30, seed), { seed, maxNewTokens: 2, stopTokenIds: [] }),
    );
    await Promise.all([pieces(long), ...others]);
    const mixed = steps.slice(1).filter(({ sequences, tokens }) => tokens > sequences);
    expect(mixed.length).toBeGreaterThanOrEqual(Math.floor(90 / 7));
    for (const { sequences, tokens } of mixed) expect(tokens).toBeLessThanOrEqual(7 + sequences);
  });

  test('a request that has no room waits instead of being preempted', async () => {
    const { engine } = await start({ contextLength: 64, kvCacheTokens: 64 });
    await Promise.all(
      [1, 2, 3].map((seed) =>
        write(engine, someIds(tinyMixtral, 20, seed), { seed, maxNewTokens: 8, stopTokenIds: [] }),
      ),
    );
    expect(engine.statistics()).toMatchObject({ preemptions: 0, tokens: { prefilled: 60, generated: 24 } });
  });

  test('the load of experts counts every token once that a layer computes: the last one those whose logits are wanted', async () => {
    const { engine } = await start();
    await Promise.all([1, 2].map((seed) => write(engine, prompt, { seed, maxNewTokens: 5 })));
    const { expertLoads, tokens } = engine.statistics();
    const computed = tokens.prefilled + tokens.generated - 2;
    expect(expertLoads.map(({ layer, load }) => [layer, load.tokens])).toEqual([
      [0, computed],
      [1, tokens.generated],
    ]);
    for (const { load } of expertLoads)
      expect(load.counts.reduce((sum, n) => sum + n, 0)).toBe(2 * load.tokens);
    const silent = createEngine(await load(), { expertLoads: false });
    await write(silent, prompt, { maxNewTokens: 2 });
    expect(silent.statistics().expertLoads[0]?.load.tokens).toBe(0);
  });

  test('a text that came first is not held up by those that came later with a small cache', async () => {
    const { engine } = await start({ contextLength: 64, kvCacheTokens: 96 });
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2].map(async (index) => {
        await write(engine, someIds(tinyMixtral, 20, index), { seed: index, maxNewTokens: 44 });
        order.push(index);
      }),
    );
    expect(order).toEqual([0, 1, 2]);
    expect(engine.statistics().preemptions).toBeGreaterThan(0);
  });

  test('a client with many texts does not hold up one with a single text', async () => {
    const engine = createEngine(await load(), { maxBatch: 1 });
    const order: string[] = [];
    const clients = ['a', 'a', 'a', 'a', 'b'];
    await Promise.all(
      clients.map(async (client, index) => {
        await pieces(engine.generate(prompt, { client, seed: index, maxNewTokens: 6 }));
        order.push(client);
      }),
    );
    expect(order.indexOf('b')).toBe(1);
  });
});
