// Corners of the tokenizers library (0.23), each with what `Tokenizer.from_str(...)` of the file written out here gives.
import { expect, test } from 'vitest';
import { createTokenizer } from './create-tokenizer.js';

const tokenizerOf = (tokenizer: Readonly<Record<string, unknown>>) =>
  createTokenizer(
    { tokenizer, tokenizerConfig: null, specialTokensMap: null, addedTokens: null, file: 'tokenizer.json' },
    2000,
  );

test.each<[number[], string]>([
  [[0, 1, 0], ' < u n k >  < | x | > <unk>'],
  [[2, 2], ' a 😀 a😀'],
  [[2], 'a😀'],
  [[3, 2], ' a😀'],
  [[2, 3], ' a 😀 '],
])('BPEDecoder with an empty suffix: %j', (ids, text) => {
  const vocab = { '<unk>': 0, '<|x|>': 1, 'a😀': 2, '': 3 };
  const json = { model: { type: 'BPE', vocab, merges: [] }, decoder: { type: 'BPEDecoder', suffix: '' } };
  expect(tokenizerOf(json).decode(ids)).toBe(text);
});

const unigram = {
  model: {
    type: 'Unigram',
    unk_id: null,
    byte_fallback: false,
    vocab: [
      ['<unk>', 0],
      ['a', -1],
      ['ab', -1.5],
      ['xyz', -2],
      ['x', -3],
      ['ef', -1],
      ['e', -30],
      ['c', -40],
    ],
  },
};

test.each<[string, number[]]>([
  ['ab', [2]],
  ['ef', [5]],
  ['abef', [2, 5]],
])('Unigram without unk_id: an unknown that is not the best way is none: %j', (text, ids) => {
  expect(tokenizerOf(unigram).encode(text)).toEqual(ids);
});

test.each(['xyz', 'xy', 'y', 'ay', 'eaf'])('Unigram without unk_id: %j needs one', (text) => {
  expect(() => tokenizerOf(unigram).encode(text)).toThrow('unk_id, for a character without a token');
});
