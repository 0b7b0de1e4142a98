import { describe, expect, test } from 'vitest';
import { expectAllFree, load, pieces, prompt } from '../testkit/loaded-model.js';
import { randomSource, someIds, tinyMixtral } from '../testkit/random-source.js';
import { start, write } from '../testkit/started-engine.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import type { GeneratedPiece } from '../text/generation.js';
import { createEngine } from './create-engine.js';

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

  test('a reader that stops reading pauses its own request alone, and finds its text whole', async () => {
    // Longer than a reader's pieces may become.
    const long = randomSource({ ...tinyMixtral, contextLength: 128 }, 7);
    const engine = createEngine(await load({ kvCacheTokens: 256 }, long));
    const wide = await load({}, long);
    const slow = engine.generate([1], { seed: 4, stopTokenIds: [] });
    const begun = await slow.next();
    const others = await Promise.all(
      [1, 2, 3].map((seed) => write(engine, prompt, { seed, maxNewTokens: 50 })),
    );
    expect(others.map(({ tokenIds }) => tokenIds.length)).toEqual([50, 50, 50]);
    await expect.poll(() => engine.statistics()).toMatchObject({ running: 0, paused: 1 });
    expect(engine.statistics().tokens.generated - 150).toBeLessThan(100);
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
      'the engine: cannot take another request: expected room in the queue, found 2 requests waiting',
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

  test('close ends running requests', async () => {
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
