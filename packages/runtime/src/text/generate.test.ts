import { describe, expect, test, vi } from 'vitest';
import type { ModelOptions } from '../load/create-model.js';
import type { ModelSource } from '../model-source.js';
import { expectAllFree, load, pieces, prompt, source } from '../testkit/loaded-model.js';
import { plain } from '../testkit/random-source.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import type { GeneratedPiece } from './generation.js';

describe('generate', () => {
  test('greedy takes the largest logit after the whole text, at every step', async () => {
    const model = await load({ prefillChunk: 3 });
    const result = await model.complete(prompt, { temperature: 0, maxNewTokens: 12 });
    expect(result.tokenIds).toHaveLength(12);
    expect(result.promptTokenIds).toEqual(prompt);
    expect(result.finishReason).toBe('length');
    const { logits, vocabularySize } = await model.logits([...prompt, ...result.tokenIds]);
    for (const [index, id] of result.tokenIds.entries()) {
      const row = logits.subarray((prompt.length + index - 1) * vocabularySize).subarray(0, vocabularySize);
      expect(id).toBe(row.indexOf(Math.max(...row)));
    }
  });

  test('a piece a token, then one with the result; the texts are the text', async () => {
    const model = await load();
    const all = await pieces(model.generate(prompt, { seed: 5, maxNewTokens: 9 }));
    const result = all.at(-1)?.result;
    expect(all).toHaveLength(10);
    expect(all.slice(0, -1).map(({ tokenId }) => tokenId)).toEqual(result?.tokenIds);
    expect(all.slice(0, -1).every((piece) => piece.result === null)).toBe(true);
    expect(all.at(-1)?.tokenId).toBe(null);
    expect(all.map(({ text }) => text).join('')).toBe(result?.text);
    expect(result?.text).toBe(source.tokenizer?.decode(result?.tokenIds ?? []));
    expect(result?.seed).toBe(5);
  });

  test('the seed in the result gives the text again, in any chunks', async () => {
    const first = await (await load()).complete(prompt, { maxNewTokens: 20 });
    const again = await (await load({ prefillChunk: 1 })).complete(prompt, {
      maxNewTokens: 20,
      seed: first.seed,
    });
    expect(again.tokenIds).toEqual(first.tokenIds);
  });

  test('texts written at the same time are the texts written one after the other', async () => {
    const model = await load({ prefillChunk: 2 });
    const requests = [1, 2, 3, 4].map(
      (seed) => [prompt.slice(seed), { seed, maxNewTokens: 10 + seed }] as const,
    );
    const separate = [];
    for (const [ids, options] of requests) separate.push((await model.complete(ids, options)).tokenIds);
    const together = await Promise.all(requests.map(([ids, options]) => model.complete(ids, options)));
    expect(together.map(({ tokenIds }) => tokenIds)).toEqual(separate);
    expect(new Set(separate.map(String)).size).toBe(4);
  });

  test('a text written inside the loop of another', async () => {
    const model = await load();
    const after = (tokenId: number) => model.complete([tokenId], { temperature: 0, maxNewTokens: 4 });
    const alone = await model.complete(prompt, { temperature: 0, maxNewTokens: 3 });
    const outer: number[] = [];
    const inner: string[] = [];
    for await (const { tokenId } of model.generate(prompt, { temperature: 0, maxNewTokens: 3 })) {
      if (tokenId === null) continue;
      outer.push(tokenId);
      inner.push((await after(tokenId)).text);
    }
    expect(outer).toEqual(alone.tokenIds);
    const expected: string[] = [];
    for (const tokenId of outer) expected.push((await after(tokenId)).text);
    expect(inner).toEqual(expected);
  });

  test('a stop token ends the text and has no text', async () => {
    const model = await load();
    const free = await model.complete(prompt, { temperature: 0, maxNewTokens: 12 });
    const stopAt = free.tokenIds.findIndex((id, index) => index > 1 && free.tokenIds.indexOf(id) === index);
    const stopId = free.tokenIds[stopAt] ?? -1;
    const stopped = await model.complete(prompt, { temperature: 0, stopTokenIds: [stopId] });
    expect(stopped.finishReason).toBe('stop');
    expect(stopped.tokenIds).toEqual(free.tokenIds.slice(0, stopAt + 1));
    expect(stopped.text).toBe(free.text.slice(0, stopAt));
    const all = await pieces(model.generate(prompt, { temperature: 0, stopTokenIds: [stopId] }));
    expect(all.map(({ text }) => text).join('')).toBe(stopped.text);

    const bySource = await load({}, { ...source, stopTokenIds: [stopId] });
    expect((await bySource.complete(prompt, { temperature: 0 })).tokenIds).toEqual(stopped.tokenIds);
    const past = await bySource.complete(prompt, { temperature: 0, maxNewTokens: 12, stopTokenIds: [] });
    expect(past.tokenIds).toEqual(free.tokenIds);
  });

  test('a stop string that spans tokens ends the text before it', async () => {
    const model = await load();
    const free = await model.complete(prompt, { seed: 3, maxNewTokens: 30 });
    const stop = free.text.slice(10, 14);
    const cut = free.text.indexOf(stop);
    const all = await pieces(model.generate(prompt, { seed: 3, maxNewTokens: 30, stopStrings: ['@', stop] }));
    expect(all.at(-1)?.result?.finishReason).toBe('stopString');
    expect(all.at(-1)?.result?.tokenIds).toEqual(free.tokenIds.slice(0, cut + 4));
    expect(all.map(({ text }) => text).join('')).toBe(free.text.slice(0, cut));
  });

  test('text that was held back for a stop string comes with the last piece', async () => {
    const model = await load();
    const free = await model.complete(prompt, { temperature: 0, maxNewTokens: 6 });
    const options = { temperature: 0, maxNewTokens: 6, stopStrings: [`${free.text.slice(-2)}@`] };
    const all = await pieces(model.generate(prompt, options));
    expect(all.at(-1)?.text).toBe(free.text.slice(-2));
    expect(all.at(-1)?.result?.text).toBe(free.text);
    expect(all.at(-1)?.result?.finishReason).toBe('length');
  });

  test('ends with the context', async () => {
    const model = await load({ contextLength: 20, kvCacheTokens: 20 });
    const result = await model.complete(prompt);
    expect([result.finishReason, result.tokenIds.length]).toEqual(['length', 12]);
    await expectAllFree(model);
  });

  test('the full context gives the same tokens as a larger one', async () => {
    const long = await (await load()).complete(prompt, { temperature: 0, maxNewTokens: 12 });
    const short = await (await load({ contextLength: 20, kvCacheTokens: 20 })).complete(prompt, {
      temperature: 0,
    });
    expect(short.tokenIds).toEqual(long.tokenIds);
  });

  test('timings: a step a second, chunks of three of eight prompt tokens, five new ones', async () => {
    const model = await load({ prefillChunk: 3 });
    let seconds = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => 1000 * seconds++);
    const { timings } = await model.complete(prompt, { maxNewTokens: 5 });
    const { timings: one } = await model.complete(prompt.slice(1), { maxNewTokens: 1 });
    clock.mockRestore();
    expect(timings).toEqual({
      prefillSeconds: 3,
      prefillTokensPerSecond: 8 / 3,
      decodeSeconds: 4,
      decodeTokensPerSecond: 1,
    });
    expect(one).toMatchObject({ decodeSeconds: 0, decodeTokensPerSecond: 0 });
  });
});

describe('leaving early', () => {
  const small: Partial<ModelOptions> = { contextLength: 32, kvCacheTokens: 32 };

  test('breaking out of the loop frees the pages', async () => {
    const model = await load(small);
    for (let round = 0; round < 5; round += 1) {
      for await (const piece of model.generate(prompt)) if (piece.tokenId !== null) break;
    }
    await expectAllFree(model);
  });

  test('a text that was never begun holds nothing', async () => {
    const model = await load(small);
    model.generate(prompt);
    await expectAllFree(model);
  });

  test('an abort takes effect at the next token', async () => {
    const model = await load(small);
    const controller = new AbortController();
    const all: GeneratedPiece[] = [];
    for await (const piece of model.generate(prompt, { signal: controller.signal, temperature: 0 })) {
      all.push(piece);
      if (all.length === 3) controller.abort();
    }
    expect(all).toHaveLength(4);
    expect(all.at(-1)?.result).toMatchObject({
      finishReason: 'aborted',
      tokenIds: all.slice(0, 3).map((p) => p.tokenId),
    });
    expect(all.map(({ text }) => text).join('')).toBe(all.at(-1)?.result?.text);
    await expectAllFree(model);
  });

  test('an abort during prefill takes effect at the next chunk', async () => {
    const controller = new AbortController();
    const backend = watchedBackend({
      onStep: (index) => {
        if (index === 2) controller.abort();
      },
    });
    const model = await load({ ...small, backend, prefillChunk: 1 });
    const result = await model.complete(prompt, { signal: controller.signal });
    expect(result).toMatchObject({ finishReason: 'aborted', tokenIds: [], text: '' });
    expect(backend.steps()).toBe(3);
    await expectAllFree(model);
  });

  test('an abort before the beginning runs nothing; of logits it is an error', async () => {
    const backend = watchedBackend();
    const model = await load({ ...small, backend });
    const signal = AbortSignal.abort(new Error('too late'));
    expect((await model.complete(prompt, { signal })).finishReason).toBe('aborted');
    await expect(model.logits(prompt, { signal })).rejects.toThrow('too late');
    expect(backend.steps()).toBe(0);
  });

  test('a failing step ends the text with its error and frees the pages', async () => {
    const backend = watchedBackend({
      onStep: (index) => {
        if (index === 4) throw new Error('device lost');
      },
    });
    const model = await load({ ...small, backend });
    await expect(model.complete(prompt)).rejects.toThrow('device lost');
    await expectAllFree(model);
  });

  test('a full cache is an error that says what to do, and the other text goes on', async () => {
    const model = await load({ contextLength: 32, kvCacheTokens: 48 });
    const first = model.generate(prompt, { temperature: 0 });
    const begun = [await first.next(), await first.next()];
    await expect(model.complete(prompt, { maxNewTokens: 24 })).resolves.toMatchObject({
      finishReason: 'length',
    });
    const second = model.generate(Array.from({ length: 31 }, () => 2));
    await second.next();
    await expect(pieces(model.generate(prompt))).rejects.toThrow(
      'a larger kvCacheTokens, or fewer sequences at a time',
    );
    await second.return();
    const rest = await pieces(first);
    expect(begun.length + rest.length).toBe(25);
    await expectAllFree(model);
  });

  test('NaN in the model is an error that says so', async () => {
    const broken: ModelSource = {
      ...source,
      weights: {
        ...source.weights,
        read: async (slot, at) =>
          slot === 'finalNorm'
            ? plain([16], new Float32Array(16).fill(Number.NaN))
            : source.weights.read(slot, at),
      },
    };
    const model = await load(small, broken);
    await expect(model.complete(prompt)).rejects.toThrow(
      'expected a finite number, found NaN (a weight or scale',
    );
  });
});
