// Tokenizer files that lie: ids beyond the vocabulary, merges that are none, patterns that never end. The model opens all
// the same; what needs the tokenizer has the reason.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readTextParts } from '../files/text-files.js';
import { memoryFiles } from '../testkit/memory-files.js';

/** A byte-level tokenizer of single characters and one merge. */
const vocab = { a: 0, b: 1, ab: 2, Ġ: 3 };
const tokenizer = {
  added_tokens: [{ id: 4, content: '<s>', special: true }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab, merges: [['a', 'b']] },
};
const open = (changes: object, size = 5) =>
  readTextParts(memoryFiles({ 'tokenizer.json': { ...tokenizer, ...changes } }), size);
const model = (changes: object) => ({ model: { ...tokenizer.model, ...changes } });
const split = (Regex: string) => ({
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }],
  },
});

test('the file as it is', async () => {
  const { tokenizer: read, formatChat } = await open({});
  expect(formatChat).toBeNull();
  expect(read?.encode('ab a<s>')).toEqual([2, 3, 0, 4]);
  expect(read?.decode([2, 3, 0, 4])).toBe('ab a<s>');
  expect(read?.decode([2, 3, 0, 4], { skipSpecialTokens: true })).toBe('ab a');
  expect(read?.vocabularySize).toBe(5);
});

test('a checkpoint without one', async () => {
  const { templateNames, ...parts } = await readTextParts(memoryFiles({}), 5);
  expect(parts).toEqual({ tokenizer: null, formatChat: null });
  expect(templateNames()).toBeNull();
});

describe('is refused', () => {
  test.each<[string, object, RegExp]>([
    ['without a model', { model: undefined }, /expected a field model, found none/],
    [
      'with a vocabulary that is a number',
      model({ vocab: 3 }),
      /model \("BPE"\) with tokens with their ids as vocab/,
    ],
    [
      'with an id below zero',
      model({ vocab: { a: -1 } }),
      /integers from 0 to \d+ as ids, found "\\"-1\\" of token \\"a\\""/,
    ],
    ['with half an id', model({ vocab: { a: 0.5 } }), /as ids, found "\\"0.5\\" of token/],
    ['with an id that is a text', model({ vocab: { a: '1' } }), /integers from 0 to \d+ as ids/],
    [
      'without tokens',
      { ...model({ vocab: {}, merges: [] }), added_tokens: [] },
      /expected tokens, found none/,
    ],
    [
      'with a merge of three',
      model({ merges: [['a', 'b', 'a']] }),
      /model .* with pairs of tokens as merges/,
    ],
    [
      'with a merge of what is no token',
      model({ merges: ['a x'] }),
      /merges of tokens in its vocab, found "ax"/,
    ],
    ['with dropout', model({ dropout: 0.1 }), /model \("BPE"\) with no dropout: .*, found "0.1"/],
    [
      'with an added token of no content',
      { added_tokens: [{ id: 4 }] },
      /added_tokens\.list\.0 with a text as content/,
    ],
    [
      'with a pre-tokenizer of an unknown kind',
      { pre_tokenizer: { type: 'Telepathy' } },
      /expected pre_tokenizer \("Telepathy"\) with a type among BertPreTokenizer, .*, found "Telepathy"/,
    ],
    [
      'with a model of an unknown kind',
      model({ type: 'Telepathy' }),
      /model \("Telepathy"\) with a type among BPE/,
    ],
    [
      'with a part within a sequence of an unknown kind',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'toString' }] } },
      /normalizer\.normalizers\.1 \("toString"\) with a type among/,
    ],
    ['with an unknown decoder', { decoder: { type: 'Telepathy' } }, /decoder \("Telepathy"\) with a type/],
    [
      'with an unknown post-processor',
      { post_processor: { type: 'X' } },
      /post_processor \("X"\) with a type/,
    ],
    [
      'with a pattern of another kind',
      { normalizer: { type: 'Replace', pattern: { Glob: '*' }, content: '' } },
      /a pattern with a text as String or Regex, found "{\\"Glob\\":\\"\*\\"}"/,
    ],
    [
      'with a split at no pattern',
      { pre_tokenizer: { type: 'Split', behavior: 'Isolated', invert: false } },
      /a pattern with a text as String or Regex, found "undefined"/,
    ],
    [
      'with a Metaspace that contradicts itself',
      { pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: false } },
      /pre_tokenizer \("Metaspace"\) with add_prefix_space as prepend_scheme has it, found "false beside always"/,
    ],
    [
      'with a pattern that is none',
      split('(unclosed'),
      /a regular expression of Oniguruma as pattern, found "\(unclosed/,
    ],
    [
      'with a pattern of exponential cost',
      split('(a+)+$'),
      /without repeated groups that repeat or choose, found "\(a\+\)\+\$"/,
    ],
    ['with a pattern of exponential choices', split('(?:a|a)*$'), /repeated groups/],
    ['with nested groups of exponential cost', split('((?:x[a)]*y)?z)+'), /repeated groups/],
    ['with a counted group of exponential cost', split('(a{0,20}){20}'), /repeated groups/],
    ['with a back reference', split('(a)\\1'), /without back references/],
    ['with a pattern of a megabyte', split('a'.repeat(1_000_000)), /at most 16384 characters/],
  ])('%s', async (_, changes, sentence) => {
    const { tokenizer: read, unreadableTokenizer: reason } = await open(changes);
    expect(read).toBeNull();
    expect(reason?.message).toMatch(sentence);
    expect(reason?.message).toMatch(
      /^memory\/tokenizer\.json: cannot read the tokenizer: expected .+, found .+$/,
    );
  });
});

test('a token beyond the model is refused in a text, by its name, and nowhere else', async () => {
  const { tokenizer: read } = await open({ added_tokens: [{ content: '<image>', special: true }] }, 4);
  expect(read?.vocabularySize).toBe(4);
  expect(read?.encode('ab a')).toEqual([2, 3, 0]);
  expect(() => read?.encode('ab<image>')).toThrow(
    /tokens with ids below 4, the model's vocabulary, in a text, found ".*<image>.* with id 4/,
  );
});

/** The pre-tokenizers of GPT-2, cl100k and o200k, of Bloom and of DeepSeek. */
const inUse = [
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  '(?=(?:\\d{3})+(?!\\d))',
];

test.each(inUse)('a pattern in use: %s', async (pattern) => {
  expect((await open(split(pattern))).tokenizer).not.toBeNull();
});

test('what it encodes it decodes, whatever the text', async () => {
  const { tokenizer: read } = await open({});
  if (read === null) throw new Error('no tokenizer');
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 40 }), (text) => {
      expect(read.decode(read.encode(text))).toBe(text);
    }),
  );
});
