import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tokenizer } from '../model-source.js';
import { byteTokenizer } from '../testkit/byte-tokenizer.js';
import { Detokenizer } from './detokenizer.js';

const replacement = '\uFFFD';

/** Bytes cut into tokens of one to five bytes. */
const cutBytes = (bytes: fc.Arbitrary<number[]>) =>
  fc.tuple(bytes, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 })).map(([all, sizes]) => {
    const tokens: number[][] = [];
    for (let start = 0; start < all.length; ) {
      const size = sizes[tokens.length % sizes.length] ?? 1;
      tokens.push(all.slice(start, start + size));
      start += size;
    }
    return tokens;
  });

const utf8 = fc.string({ unit: 'binary', maxLength: 80 }).map((text) => [...new TextEncoder().encode(text)]);
/** Random bytes, half of them from the edges of UTF-8's ranges. */
const anyBytes = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0x82, 0xac, 0xed, 0xf0, 0x9f, 0x98, 0xf4, 0xff),
  ),
  { maxLength: 200 },
);

function stream(detokenizer: Detokenizer, ids: readonly number[]): { pieces: string[]; text: string } {
  const pieces = ids.map((id) => detokenizer.push(id));
  return { pieces, text: pieces.join('') + detokenizer.flush() };
}

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);

describe('Detokenizer', () => {
  test('valid text, cut anywhere: the whole text, and no U+FFFD on the way', () => {
    fc.assert(
      fc.property(cutBytes(utf8), (tokens) => {
        const tokenizer = byteTokenizer(tokens);
        const whole = tokenizer.decode(upTo(tokens.length));
        const { pieces, text } = stream(new Detokenizer(tokenizer), upTo(tokens.length));
        expect(text).toBe(whole);
        if (!whole.includes(replacement)) expect(pieces.join('')).not.toContain(replacement);
      }),
      { numRuns: 1000 },
    );
  });

  test('any bytes, cut anywhere: the same as decoding all at once', () => {
    fc.assert(
      fc.property(cutBytes(anyBytes), (tokens) => {
        const tokenizer = byteTokenizer(tokens);
        const { text } = stream(new Detokenizer(tokenizer), upTo(tokens.length));
        expect(text).toBe(tokenizer.decode(upTo(tokens.length)));
      }),
      { numRuns: 2000 },
    );
  });

  test('a character is shown with its last byte; a stream that ends before shows U+FFFD', () => {
    const tokenizer = byteTokenizer([[0x61], [0xf0], [0x9f], [0x98], [0x80]]);
    expect(stream(new Detokenizer(tokenizer), [0, 1, 2, 3, 4, 0]).pieces).toEqual([
      'a',
      '',
      '',
      '',
      '😀',
      'a',
    ]);
    expect(stream(new Detokenizer(tokenizer), [0, 1, 2]).text).toBe(`a${replacement}`);
  });

  test('a decoder with byte fallback, which shows U+FFFD for each byte that is missing others', () => {
    const bytes = byteTokenizer([[0xf0], [0x9f], [0x98], [0x80], [0x61]]);
    const tokenizer: Tokenizer = {
      ...bytes,
      decode: (ids) => {
        const text = bytes.decode(ids);
        return text.includes(replacement)
          ? text.replaceAll(replacement, () => replacement.repeat(3)).slice(0, ids.length)
          : text;
      },
    };
    expect(stream(new Detokenizer(tokenizer), [0, 1, 2, 3, 4]).pieces).toEqual(['', '', '', '😀', 'a']);
  });

  test('a decoder that drops the blank at the beginning keeps it after a prompt, and inside the text', () => {
    const words = ['▁Hello', '▁big', '▁world'];
    const tokenizer: Tokenizer = {
      vocabularySize: words.length,
      encode: () => [],
      decode: (ids) =>
        ids
          .map((id) => words[id])
          .join('')
          .replaceAll('▁', ' ')
          .replace(/^ /, ''),
    };
    expect(stream(new Detokenizer(tokenizer), [0, 1, 2]).pieces).toEqual(['Hello', ' big', ' world']);
    expect(stream(new Detokenizer(tokenizer, [0]), [1, 2]).pieces).toEqual([' big', ' world']);
    const many = Array.from({ length: 300 }, (_, index) => index % 3);
    expect(stream(new Detokenizer(tokenizer), many).text).toBe(tokenizer.decode(many));
  });

  test('a character begun by the prompt is completed', () => {
    const tokenizer = byteTokenizer([[0x61, 0xc3], [0xa9]]);
    expect(stream(new Detokenizer(tokenizer, [0]), [1]).text).toBe('é');
  });

  test('decodes a bounded number of tokens at a time', () => {
    const bytes = byteTokenizer([[0x61], [0xff]]);
    let longest = 0;
    const tokenizer: Tokenizer = {
      ...bytes,
      decode: (ids) => {
        longest = Math.max(longest, ids.length);
        return bytes.decode(ids);
      },
    };
    const ids = Array.from({ length: 2000 }, (_, index) => (index < 1000 ? 0 : 1));
    expect(stream(new Detokenizer(tokenizer), ids).text).toBe('a'.repeat(1000) + replacement.repeat(1000));
    expect(longest).toBeLessThan(50);
  });

  test('ids beyond the tokenizer have no text', () => {
    expect(stream(new Detokenizer(byteTokenizer([[0x61]])), [0, 7, 0]).text).toBe('aa');
  });
});
