import { MoeqError } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { ModelSource } from '../model-source.js';
import { load, prompt, source } from '../testkit/loaded-model.js';
import { assertTakes } from './prompt.js';

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

describe('what a model takes', () => {
  const failing = (code: 'templateFailed' | 'linkOutside' | undefined): ModelSource => ({
    ...source,
    formatChat: () => {
      throw new MoeqError({ code, operation: 'x', subject: 'template', expected: 'a', found: 'b' });
    },
  });

  test('a template that refuses one conversation may take others', () => {
    expect(() => assertTakes(failing('templateFailed'), 'messages')).not.toThrow();
  });

  test.each(['linkOutside', undefined] as const)('any other error of it is one at once: %s', (code) => {
    expect(() => assertTakes(failing(code), 'messages')).toThrow('template: cannot x');
    expect(() => assertTakes(failing(code), 'text')).not.toThrow();
  });
});
