import { describe, expect, test } from 'vitest';
import { createModel, type ModelOptions } from './create-model.js';
import type { GenerateOptions } from './generate-options.js';
import type { GeneratedPiece } from './generation.js';
import type { GenerationDefaults, ModelSource } from './model-source.js';
import { randomSource, tinyMixtral } from './testkit/random-source.js';
import { watchedBackend } from './testkit/watched-backend.js';

const source = randomSource(tinyMixtral, 7);
const prompt = [3, 1, 4, 1, 5, 9, 2, 6];

function load(options: Partial<ModelOptions> = {}, from: ModelSource = source) {
  return createModel(from, { backend: watchedBackend(), ...options });
}

async function pieces(generation: AsyncIterable<GeneratedPiece>): Promise<GeneratedPiece[]> {
  const all: GeneratedPiece[] = [];
  for await (const piece of generation) all.push(piece);
  return all;
}

/** Whether all pages are free: a prompt as long as the cache can run. */
async function expectAllFree(model: Awaited<ReturnType<typeof load>>): Promise<void> {
  await model.logits(Array.from({ length: model.contextLength }, () => 1));
}

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
    const inner: string[] = [];
    for await (const { tokenId } of model.generate(prompt, { temperature: 0, maxNewTokens: 3 })) {
      if (tokenId !== null)
        inner.push((await model.complete([tokenId], { temperature: 0, maxNewTokens: 4 })).text);
    }
    expect(inner.map(({ length }) => length)).toEqual([4, 4, 4]);
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

  test('timings are finite numbers and rates fit them', async () => {
    const { timings, tokenIds } = await (await load()).complete(prompt, { maxNewTokens: 5 });
    expect(timings.prefillSeconds).toBeGreaterThan(0);
    expect(timings.prefillTokensPerSecond).toBeCloseTo(prompt.length / timings.prefillSeconds, 6);
    expect(timings.decodeTokensPerSecond).toBeCloseTo((tokenIds.length - 1) / timings.decodeSeconds, 6);
    const one = await (await load()).complete(prompt, { maxNewTokens: 1 });
    expect(one.timings).toMatchObject({ decodeSeconds: 0, decodeTokensPerSecond: 0 });
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
      'a larger kvCacheTokens, or fewer texts at a time',
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
        vector: async (place) =>
          place.kind === 'finalNorm' ? new Float32Array(16).fill(Number.NaN) : source.weights.vector(place),
      },
    };
    const model = await load(small, broken);
    await expect(model.complete(prompt)).rejects.toThrow(
      'expected a finite number, found NaN (a weight or scale',
    );
  });
});

describe('prompts', () => {
  test('text, ids and conversations', async () => {
    const model = await load();
    const options = { temperature: 0, maxNewTokens: 4 };
    const ids = source.tokenizer?.encode('abcab') ?? [];
    const expected = (await model.complete(ids, options)).tokenIds;
    expect((await model.complete('abcab', options)).tokenIds).toEqual(expected);
    expect((await model.complete(Int32Array.from(ids), options)).tokenIds).toEqual(expected);
    const messages = ['abc', 'ab'].map((content) => ({ role: 'user', content }));
    expect((await model.complete({ messages }, options)).tokenIds).toEqual(expected);
  });

  const bare: ModelSource = { ...source, tokenizer: null, formatChat: null };

  test('a model without a tokenizer writes ids', async () => {
    const result = await (await load({}, bare)).complete(prompt, { maxNewTokens: 4 });
    expect([result.text, result.tokenIds.length]).toEqual(['', 4]);
  });

  test.each<[string, ModelSource, unknown, string]>([
    ['none', source, [], 'random-7: cannot read the prompt: expected at least one token, found none'],
    ['an id too large', source, [1, 40], 'expected token ids from 0 to 39, found 40'],
    ['a negative id', source, [-1], 'expected token ids from 0 to 39, found -1'],
    ['a fraction', source, [1.5], 'expected token ids from 0 to 39, found 1.5'],
    ['NaN', source, [Number.NaN], 'expected token ids from 0 to 39, found NaN'],
    [
      'too long',
      source,
      new Array(64).fill(1),
      'expected at most 63 tokens, by the context length, found 64',
    ],
    ['null', source, null, 'expected text, a list of token ids, or { messages }, found object'],
    ['text without a tokenizer', bare, 'a', 'expected token ids, as there is no tokenizer, found text'],
    [
      'messages without a template',
      bare,
      { messages: [] },
      'expected a checkpoint with a chat template, found one without',
    ],
  ])('%s is an error at once', async (_, from, wrong, message) => {
    const model = await load({}, from);
    expect(() => model.generate(wrong as string)).toThrow(message);
  });
});

describe('options', () => {
  test.each<[Record<string, unknown>, string]>([
    [
      { temprature: 1 },
      'option "temprature": cannot generate: expected one of the options frequencyPenalty, ',
    ],
    [
      { temperature: -1 },
      'option temperature: cannot generate: expected a finite number of at least 0, found -1',
    ],
    [{ temperature: Number.NaN }, 'found NaN'],
    [{ temperature: '1' }, 'found "1"'],
    [{ topK: 1.5 }, 'option topK: cannot generate: expected an integer of at least 0, found 1.5'],
    [{ topP: 1.1 }, 'expected a finite number from 0 to 1, found 1.1'],
    [{ minP: -0.1 }, 'expected a finite number from 0 to 1, found -0.1'],
    [{ repetitionPenalty: 0 }, 'expected a finite number above 0, found 0'],
    [{ presencePenalty: Infinity }, 'expected a finite number, found Infinity'],
    [{ logitBias: { 40: 1 } }, 'expected token ids below 40 with finite numbers or -Infinity'],
    [{ logitBias: { 1: Number.NaN } }, 'expected token ids below 40'],
    [{ logitBias: { '-1': 1 } }, 'expected token ids below 40'],
    [{ seed: -1 }, 'expected an integer of at least 0, found -1'],
    [{ seed: 2 ** 53 }, 'expected an integer of at least 0'],
    [{ maxNewTokens: 0 }, 'expected an integer of at least 1, found 0'],
    [{ stopStrings: [''] }, 'expected a list, each item text of at least one character'],
    [{ stopStrings: 'x' }, 'expected a list'],
    [{ stopTokenIds: [40] }, 'expected a list, each item an integer from 0 to 39, found "[40]"'],
    [{ signal: 1 }, 'expected an AbortSignal, found 1'],
    [JSON.parse('{"__proto__": 1}') as Record<string, unknown>, 'option "__proto__"'],
  ])('%j is an error at once', async (options, message) => {
    const model = await load();
    expect(() => model.generate(prompt, options as GenerateOptions)).toThrow(message);
  });

  test('an undefined option is an absent one', async () => {
    const model = await load();
    const result = await model.complete(prompt, {
      temperature: 0,
      topK: undefined,
      maxNewTokens: 2,
      signal: undefined,
    });
    expect(result.tokenIds).toHaveLength(2);
  });

  test.each<[GenerationDefaults, GenerateOptions, GenerateOptions]>([
    [{ greedy: true, temperature: 0.7 }, {}, { temperature: 0 }],
    [
      { temperature: 0.2, topK: 3, topP: 0.9, minP: 0.01 },
      {},
      { temperature: 0.2, topK: 3, topP: 0.9, minP: 0.01 },
    ],
    [{ temperature: 0.2, topK: 1 }, { topK: 5 }, { temperature: 0.2, topK: 5 }],
    [{ greedy: true }, { temperature: 1.5 }, { temperature: 1.5 }],
    [{ repetitionPenalty: 5, maxNewTokens: 3 }, {}, { repetitionPenalty: 5, maxNewTokens: 3 }],
  ])('defaults %j of the model with %j are %j', async (generation, options, explicit) => {
    const byDefault = await load({}, { ...source, generation });
    const plain = await load();
    const one = await byDefault.complete(prompt, { maxNewTokens: undefined, seed: 4, ...options });
    const other = await plain.complete(prompt, { seed: 4, ...explicit });
    expect(one.tokenIds).toEqual(other.tokenIds);
  });

  test('defaults that are wrong are an error that names the model', async () => {
    const model = await load({}, { ...source, generation: { topP: 7 } });
    expect(() => model.generate(prompt)).toThrow(
      'option topP: cannot use the generation defaults of random-7',
    );
  });

  test('stop strings need a tokenizer', async () => {
    const model = await load({}, { ...source, tokenizer: null });
    expect(() => model.generate(prompt, { stopStrings: ['a'] })).toThrow('expected a model with a tokenizer');
  });

  test('logits free their pages', async () => {
    const model = await load({ contextLength: 32, kvCacheTokens: 32 });
    const expected = await model.logits(prompt);
    for (let round = 0; round < 4; round += 1)
      expect((await model.logits(prompt)).logits).toEqual(expected.logits);
    await expectAllFree(model);
  });

  test('of logits', async () => {
    const model = await load();
    await expect(model.logits(prompt, { routing: true } as object)).rejects.toThrow('option "routing"');
  });
});
