// A token that tokenizer.json lists as not special and that another file names, against transformers: testdata/tokenizers/
// special.py.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createTokenizer } from './create-tokenizer.js';

type Json = Readonly<Record<string, unknown>>;

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, Json>>;
  readonly ids: readonly number[];
  readonly skipped: string;
}

const path = new URL('../../testdata/tokenizers/special.json', import.meta.url);
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[];

test.each(cases)('$name', ({ files, ids, skipped }) => {
  const tokenizer = createTokenizer(
    {
      tokenizer: files['tokenizer.json'] ?? {},
      tokenizerConfig: files['tokenizer_config.json'] ?? null,
      specialTokensMap: files['special_tokens_map.json'] ?? null,
      addedTokens: files['added_tokens.json'] ?? null,
      file: 'tokenizer.json',
    },
    99,
  );
  expect(tokenizer.encode('a<|im_end|>b')).toEqual(ids);
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(skipped);
});
