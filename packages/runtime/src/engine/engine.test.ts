import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelOptions } from '../create-model.js';
import type { GenerateOptions } from '../generate-options.js';
import type { GeneratedPiece } from '../generation.js';
import type { Model } from '../model.js';
import { expectAllFree, load, pieces, prompt } from '../testkit/loaded-model.js';
import { someIds, tinyMixtral } from '../testkit/random-source.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import { createEngine, type Engine } from './engine.js';

async function write(engine: Engine, ids: readonly number[], options: GenerateOptions = {}) {
  const result = (await pieces(engine.generate(ids, options))).at(-1)?.result;
  if (result === null || result === undefined) throw new Error('a text without a result');
  return result;
}

async function start(options: Partial<ModelOptions> = {}): Promise<{ model: Model; engine: Engine }> {
  const model = await load(options);
  return { model, engine: createEngine(model) };
}

describe('engine', () => {
  test('any mix of texts, in any cache, is each text alone', async () => {
    const alone = await load();
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
      texts: fc.array(text, { minLength: 1, maxLength: 6 }),
      pages: fc.integer({ min: 4, max: 12 }),
      prefillChunk: fc.constantFrom(1, 5, 16, 64),
      maxBatch: fc.integer({ min: 1, max: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ texts, pages, prefillChunk, maxBatch }) => {
        const model = await load({ kvCacheTokens: pages * 16, prefillChunk });
        const engine = createEngine(model, { maxBatch, mixedPrefillChunk: 7 });
        const results = await Promise.all(
          texts.map(async ({ beginning, shared, own, delay, ...options }) => {
            const ids = [
              ...someIds(tinyMixtral, shared, beginning),
              ...someIds(tinyMixtral, own, options.seed),
            ];
            for (let round = 0; round < delay; round += 1)
              await new Promise((resolve) => setImmediate(resolve));
            return { ids, options, found: await write(engine, ids, options) };
          }),
        );
        for (const { ids, options, found } of results) {
          const expected = await alone.complete(ids, options);
          expect(found.tokenIds).toEqual(expected.tokenIds);
          expect([found.text, found.finishReason, found.promptTokenIds]).toEqual([
            expected.text,
            expected.finishReason,
            expected.promptTokenIds,
          ]);
        }
        await engine.drain();
        expect(engine.statistics().kvCache).toMatchObject({ used: 0, kept: 0, free: pages });
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
    expect(engine.statistics().tokens).toEqual({ prefilled: 40 + 8 + 17, reused: 64, generated: 9 });
  });

  test('texts with one beginning that come together compute it once', async () => {
    const { engine } = await start({ prefillChunk: 16 });
    const ids = someIds(tinyMixtral, 48, 3);
    await Promise.all([1, 2, 3].map((seed) => write(engine, [...ids, seed], { seed, maxNewTokens: 2 })));
    expect(engine.statistics().tokens).toMatchObject({ prefilled: 48 + 3, reused: 96 });
  });

  test('the load of experts counts every computed token once in every layer', async () => {
    const { engine } = await start();
    await Promise.all([1, 2].map((seed) => write(engine, prompt, { seed, maxNewTokens: 5 })));
    const { expertLoads, tokens } = engine.statistics();
    const computed = tokens.prefilled + tokens.generated - 2;
    expect(expertLoads.map(({ layer, load }) => [layer, load.tokens])).toEqual([
      [0, computed],
      [1, computed],
    ]);
    for (const { load } of expertLoads) expect(load.counts.reduce((sum, n) => sum + n, 0)).toBe(2 * computed);
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

describe('leaving an engine', () => {
  const small = { contextLength: 32, kvCacheTokens: 32 } as const;

  test('an abort takes effect at the next token, and while waiting at once', async () => {
    const model = await load(small);
    const engine = createEngine(model, { maxBatch: 1 });
    const controllers = [new AbortController(), new AbortController()];
    const found: GeneratedPiece[][] = [[], []];
    const readSecond = async () => {
      for await (const piece of engine.generate(prompt, { signal: controllers[1]?.signal }))
        found[1]?.push(piece);
    };
    let second = Promise.resolve();
    for await (const piece of engine.generate(prompt, { signal: controllers[0]?.signal, temperature: 0 })) {
      found[0]?.push(piece);
      if (found[0]?.length === 1) second = readSecond();
      if (found[0]?.length === 3) {
        controllers[1]?.abort();
        controllers[0]?.abort();
      }
    }
    await second;
    expect(found[0]?.at(-1)?.result?.finishReason).toBe('aborted');
    expect(found[0]?.length).toBeLessThanOrEqual(6);
    expect(found[1]?.at(-1)?.result?.finishReason).toBe('aborted');
    await engine.drain();
    await expectAllFree(model);
  });

  test('leaving the loop frees the pages', async () => {
    const model = await load(small);
    const engine = createEngine(model);
    for (let round = 0; round < 5; round += 1) {
      for await (const piece of engine.generate(prompt)) if (piece.tokenId !== null) break;
    }
    await engine.drain();
    await expectAllFree(model);
    expect(engine.statistics()).toMatchObject({ running: 0, waiting: 0, paused: 0 });
  });

  test('a reader that stops reading pauses its text and nobody else, and finds it whole', async () => {
    const { engine } = await start({ kvCacheTokens: 128, contextLength: 64 });
    const wide = await load();
    const slow = engine.generate([1], { seed: 4, stopTokenIds: [] });
    const begun = await slow.next();
    const others = await Promise.all(
      [1, 2, 3].map((seed) => write(engine, prompt, { seed, maxNewTokens: 50 })),
    );
    expect(others.map(({ tokenIds }) => tokenIds.length)).toEqual([50, 50, 50]);
    const rest = await pieces(slow);
    const expected = await wide.complete([1], { seed: 4, stopTokenIds: [] });
    expect([begun.value, ...rest].map((piece) => piece?.tokenId)).toEqual([...expected.tokenIds, null]);
  });

  test('a failing step ends the texts that fail alone too, with the error', async () => {
    let broken = false;
    const backend = watchedBackend({
      onStep: () => {
        if (broken) throw new Error('device lost');
      },
    });
    const engine = createEngine(await load({ backend }));
    const texts = [1, 2].map((seed) => write(engine, prompt, { seed }));
    await engine.generate(prompt, { maxNewTokens: 2 }).next();
    broken = true;
    for (const text of texts) await expect(text).rejects.toThrow('device lost');
    broken = false;
    await expect(write(engine, prompt, { maxNewTokens: 3 })).resolves.toMatchObject({
      finishReason: 'length',
    });
  });

  test('a step that fails once takes no text with it', async () => {
    const backend = watchedBackend({
      onStep: (index) => {
        if (index === 3) throw new Error('a hiccup');
      },
    });
    const engine = createEngine(await load({ backend }));
    const expected = await (await load()).complete(prompt, { seed: 1, maxNewTokens: 8 });
    const found = await Promise.all([1, 2].map((seed) => write(engine, prompt, { seed, maxNewTokens: 8 })));
    expect(found[0]?.tokenIds).toEqual(expected.tokenIds);
  });

  test('a full queue and a closed engine refuse', async () => {
    const engine = createEngine(await load(), { maxBatch: 1, maxQueue: 1 });
    const texts = [1, 2].map((seed) => write(engine, prompt, { seed, maxNewTokens: 4 }));
    expect([engine.hasRoom(), engine.hasRoom(0)]).toEqual([false, true]);
    await expect(write(engine, prompt)).rejects.toThrow(
      'the engine: cannot take another text: expected room in the queue, found 2 texts waiting',
    );
    await Promise.all(texts);
    expect(engine.hasRoom(2)).toBe(true);
    const last = write(engine, prompt, { maxNewTokens: 4 });
    const drained = engine.drain();
    await expect(write(engine, prompt)).rejects.toThrow('expected an open engine');
    await expect(last).resolves.toMatchObject({ finishReason: 'length' });
    await drained;
    await engine.drain();
  });

  test('close ends what is under way', async () => {
    const model = await load();
    const engine = createEngine(model, { maxBatch: 1 });
    const texts = [1, 2].map((seed) => write(engine, prompt, { seed }));
    await engine.close();
    expect((await Promise.all(texts)).map(({ finishReason }) => finishReason)).toEqual([
      'aborted',
      'aborted',
    ]);
    await expectAllFree(model);
  });

  test('wrong options, prompts and models are errors at once', async () => {
    const { engine, model } = await start();
    expect(() => createEngine(model, { maxBatch: 0 })).toThrow('option maxBatch: cannot make an engine');
    expect(() => createEngine({ ...model, name: 'mine' })).toThrow(
      'mine: cannot use a model: expected one that createModel made, found another',
    );
    expect(() => engine.generate(prompt, { temperature: -1 })).toThrow('option temperature');
    expect(() => engine.generate(prompt, { client: '' })).toThrow('option client');
    expect(() => engine.generate([])).toThrow('expected at least one token');
    expect(engine.encode(prompt)).toEqual(prompt);
    expect(() => engine.encode(someIds(tinyMixtral, model.contextLength, 1))).toThrow(
      'by the context length',
    );
  });
});
