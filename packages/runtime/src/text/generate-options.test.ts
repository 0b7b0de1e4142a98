import { describe, expect, test } from 'vitest';
import type { GenerationDefaults } from '../model-source.js';
import { load, prompt, source } from '../testkit/loaded-model.js';
import type { GenerateOptions } from './generate-options.js';

describe('options', () => {
  test.each<[Record<string, unknown>, string]>([
    [
      { temprature: 1 },
      'option "temprature": cannot generate: expected one of the options constraint, frequencyPenalty, ',
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
    [{ logprobs: 21 }, 'expected an integer from 0 to 20, found 21'],
    [{ constraint: {} }, 'expected a TokenConstraint, found "{}"'],
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
});
