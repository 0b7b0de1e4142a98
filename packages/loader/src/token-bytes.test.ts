import { readFileSync } from 'node:fs';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test } from 'vitest';
import { tokenBytes } from './token-bytes.js';
import { createTokenizer } from './tokenizer.js';

const utf8 = new TextEncoder();

test('the bytes of tiny-moe’s tokens, one after the other, are those of the text', () => {
  const file = JSON.parse(readFileSync(new URL('tokenizer.json', modelUrl), 'utf8')) as Record<
    string,
    unknown
  >;
  const tokenizer = createTokenizer({ tokenizer: file, config: {}, file: 'tokenizer.json' }, 4096);
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

test('tokens in the form of SentencePiece', () => {
  const bytes = tokenBytes({
    model: { vocab: { '<unk>': 0, '<0x0A>': 1, '▁the▁é': 2, '[TOOL]': 3 } },
    added_tokens: [
      { id: 0, content: '<unk>', special: true },
      { id: 3, content: '[TOOL]', special: false },
    ],
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'Replace' }, { type: 'ByteFallback' }, { type: 'Fuse' }],
    },
  });
  expect([0, 1, 2, 3, 4].map((id) => bytes?.(id))).toEqual([
    null,
    Uint8Array.of(10),
    utf8.encode(' the é'),
    utf8.encode('[TOOL]'),
    null,
  ]);
});

test('a decoder of another kind has none to tell', () => {
  expect(tokenBytes({ model: { vocab: { a: 0 } }, decoder: { type: 'WordPiece' } })).toBe(undefined);
  expect(tokenBytes({ model: { vocab: { a: 0 } } })).toBe(undefined);
});
