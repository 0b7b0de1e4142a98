// Tokenizers of many shapes and texts that are hard to cut, against the tokenizers library and, where several files speak,
// transformers: testdata/tokenizers.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Detokenizer } from '../../../runtime/src/text/detokenizer.js';
import { createTokenizer } from './create-tokenizer.js';

type Json = Readonly<Record<string, unknown>>;

interface Variant {
  readonly name: string;
  readonly model: string;
  readonly changes?: Json & { readonly without?: readonly string[] };
  readonly tokenizer: Json;
  readonly files?: Readonly<Record<string, Json>>;
}

interface Reference {
  readonly ids: number[][];
  readonly special: (number[] | null)[];
  readonly decoded: (string | null)[];
  readonly skipped: (string | null)[];
  readonly draws: [ids: number[], decoded: string, skipped: string][];
  readonly end?: number | null;
}

const folder = new URL('../../testdata/tokenizers/', import.meta.url);
const unpack = (name: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(new URL(name, folder))).toString());
const texts = JSON.parse(readFileSync(new URL('texts.json', folder), 'utf8')) as string[];
const { models, variants } = unpack('variants.json.gz') as {
  models: Record<string, Json>;
  variants: Variant[];
};
const references = unpack('references.json.gz') as Record<string, Reference>;

/** The model of a variant: one of the shared ones, with other fields, or without some tokens. */
function modelOf({ model, changes: { without = [], ...changes } = {} }: Variant): Json {
  const { vocab, ...own } = models[model] ?? {};
  const kept = Array.isArray(vocab)
    ? vocab
    : Object.fromEntries(
        Object.entries(vocab as Record<string, number>).filter(([token]) => !without.includes(token)),
      );
  return { ...own, vocab: kept, ...changes };
}

function open(variant: Variant) {
  const { files = {} } = variant;
  return createTokenizer(
    {
      tokenizer: { ...variant.tokenizer, model: modelOf(variant) },
      tokenizerConfig: files['tokenizer_config.json'] ?? null,
      specialTokensMap: files['special_tokens_map.json'] ?? null,
      addedTokens: files['added_tokens.json'] ?? null,
      file: 'tokenizer.json',
    },
    2000,
  );
}

function stream(tokenizer: ReturnType<typeof open>, ids: readonly number[]): string {
  const detokenizer = new Detokenizer(tokenizer);
  return ids.map((id) => detokenizer.push(id)).join('') + detokenizer.flush();
}

test('there are as many as are meant to be', () => {
  expect(variants.length).toBe(Object.keys(references).length);
  expect([variants.length, texts.length]).toEqual([117, 72]);
});

describe.each(variants.map((variant) => [variant.name, variant] as const))('%s', (name, variant) => {
  const { ids, special, decoded, skipped, draws, end } = references[name] as Reference;
  const tokenizer = open(variant);
  // blanks that go when the next token comes are shown before
  const streams = name !== 'files-clean-up';

  test('ids and texts', () => {
    for (const [index, text] of texts.entries()) {
      const bare = ids[index] as number[];
      const all = special[index] ?? bare;
      expect(tokenizer.encode(text, { addSpecialTokens: false }), text).toEqual(bare);
      expect(tokenizer.encode(text), text).toEqual(all);
      const shown = decoded[index] ?? text;
      expect(tokenizer.decode(all), text).toBe(shown);
      const whole = skipped[index] ?? shown;
      expect(tokenizer.decode(all, { skipSpecialTokens: true }), text).toBe(whole);
      if (streams) expect(stream(tokenizer, all), text).toBe(whole);
    }
  });

  test('ids in any order', () => {
    for (const [drawn, shown, whole] of draws) {
      expect(tokenizer.decode(drawn)).toBe(shown);
      expect(tokenizer.decode(drawn, { skipSpecialTokens: true })).toBe(whole);
    }
  });

  test('the token that ends a text', () => expect(tokenizer.endId).toBe(end ?? null));
});
