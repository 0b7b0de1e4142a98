import { readFileSync } from 'node:fs';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test } from 'vitest';
import { createTokenizer } from './create-tokenizer.js';
import { tokenBytes } from './token-bytes.js';

const utf8 = new TextEncoder();

test('the bytes of tiny-moe’s tokens, one after the other, are those of the text', () => {
  const file = JSON.parse(readFileSync(new URL('tokenizer.json', modelUrl), 'utf8')) as Record<
    string,
    unknown
  >;
  const tokenizer = createTokenizer(
    {
      tokenizer: file,
      tokenizerConfig: null,
      specialTokensMap: null,
      addedTokens: null,
      file: 'tokenizer.json',
    },
    4096,
  );
  for (const text of [
    'In the beginning\n\tGod',
    'naïve — “quoted” 日本語 🙂 {"a": [1, 2]}',
    '\u0000\u007f',
  ]) {
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    expect(ids.flatMap((id) => [...(tokenizer.tokenBytes?.(id) ?? [])])).toEqual([...utf8.encode(text)]);
  }
  expect([0, 1, 2, 4096].map((id) => tokenizer.tokenBytes?.(id))).toEqual([null, null, null, null]);
});

const tokens: Readonly<Record<number, string>> = { 0: '<unk>', 1: '<0x0A>', 2: '▁the▁é', 3: '[TOOL]' };
const vocabulary = {
  tokenOf: (id: number) => tokens[id],
  isSpecial: (token: string) => token === '<unk>',
};
const blanks = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
const fallback = { type: 'ByteFallback' };

test('tokens in the form of SentencePiece', () => {
  const bytes = tokenBytes({ type: 'Sequence', decoders: [blanks, fallback, { type: 'Fuse' }] }, vocabulary);
  expect([0, 1, 2, 3, 4].map((id) => bytes?.(id))).toEqual([
    null,
    Uint8Array.of(10),
    utf8.encode(' the é'),
    utf8.encode('[TOOL]'),
    null,
  ]);
});

test('a decoder without ByteFallback shows the names of bytes', () => {
  const bytes = tokenBytes({ type: 'Metaspace', replacement: '▁' }, vocabulary);
  expect(bytes?.(1)).toEqual(utf8.encode('<0x0A>'));
});

test.each<[string, unknown]>([
  ['WordPiece', { type: 'WordPiece' }],
  ['none', undefined],
  ['blanks of another kind', { type: 'Metaspace', replacement: '_' }],
  [
    'what replaces more than blanks',
    { type: 'Sequence', decoders: [blanks, { ...blanks, content: '-' }, fallback] },
  ],
])('a decoder of another kind: %s', (_, decoder) => {
  expect(tokenBytes(decoder, vocabulary)).toBe(undefined);
});
