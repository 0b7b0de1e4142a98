// SentencePiece vocabularies as byte-pair encoding, against transformers' conversion run by the tokenizers library.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readTextParts } from '../files/text-files.js';
import { numbers, openSmall, text, texts, u32 } from '../testkit/gguf.js';
import { memoryFiles } from '../testkit/memory-files.js';
import { mergesOf, scoresOf } from './sentencepiece.js';
import { tokenizerMetadata } from './write-tokenizer.js';

interface Golden {
  readonly tokens: string[];
  readonly scores: number[];
  readonly types: number[];
  readonly merges: string[];
  readonly cases: { readonly text: string; readonly ids: number[]; readonly decoded: string }[];
}
const golden = JSON.parse(
  await readFile(new URL('../../testdata/gguf/sentencepiece.json', import.meta.url), 'utf8'),
) as Golden;
const vocabulary = new Map(golden.tokens.map((token, id) => [token, id]));

const files = await openSmall({
  metadata: {
    'tokenizer.ggml.model': text('llama'),
    'tokenizer.ggml.tokens': texts(golden.tokens),
    'tokenizer.ggml.scores': numbers('f32', golden.scores),
    'tokenizer.ggml.token_type': numbers('i32', golden.types),
    'tokenizer.ggml.bos_token_id': u32(1),
    'tokenizer.ggml.eos_token_id': u32(2),
    'tokenizer.ggml.unknown_token_id': u32(0),
  },
  tensors: { 'token_embd.weight': ['F32', [golden.tokens.length, 32]] },
});
const { tokenizer } = await readTextParts(files, golden.tokens.length);

test('merges are those that transformers makes', () => {
  const merges = mergesOf(vocabulary, golden.scores, (id) => id >= 259);
  expect(merges.map((pair) => pair.join(' '))).toEqual(golden.merges);
});

test.each(golden.cases)('$text', ({ text: given, ids, decoded }) => {
  expect(tokenizer?.encode(given, { addSpecialTokens: false })).toEqual(ids);
  expect(tokenizer?.encode(given)).toEqual([1, ...ids]);
  expect(tokenizer?.decode(ids)).toBe(decoded);
});

test('scores made of merges make the same merges again', async () => {
  const pairs = golden.merges.map((merge) => merge.split(' ') as [string, string]);
  const scores = scoresOf(golden.tokens, pairs);
  expect(mergesOf(vocabulary, scores, (id) => id >= 259).map((pair) => pair.join(' '))).toEqual(
    golden.merges,
  );

  const metadata = await tokenizerMetadata(files, golden.tokens.length);
  expect(metadata.get('tokenizer.ggml.model')).toEqual(text('llama'));
  expect(metadata.get('tokenizer.ggml.tokens')).toMatchObject({ value: golden.tokens });
  expect(metadata.get('tokenizer.ggml.token_type')).toMatchObject({ value: Int32Array.from(golden.types) });
  expect(metadata.get('tokenizer.ggml.scores')).toMatchObject({ value: scores });
  expect(metadata.get('tokenizer.ggml.add_bos_token')).toEqual({ type: 'bool', value: true });
  expect(metadata.get('tokenizer.ggml.unknown_token_id')).toEqual(u32(0));
  expect(metadata.has('tokenizer.ggml.add_space_prefix')).toBe(false);
});

test('what llama.cpp has no name for is refused', async () => {
  const write = (tokenizer: object) =>
    tokenizerMetadata(memoryFiles({ 'tokenizer.json': tokenizer }, 'm'), 10);
  const model = { type: 'BPE', vocab: { a: 0 }, merges: [] };
  await expect(write({ model: { ...model, type: 'Unigram' } })).rejects.toThrow(
    /a model of type BPE, found "Unigram"/,
  );
  await expect(write({ model, pre_tokenizer: { type: 'Whitespace' } })).rejects.toThrow(
    /m\/tokenizer\.json: .*a pre-tokenizer that llama\.cpp knows, one of gpt-2, llama-bpe, gpt-4o/,
  );
  expect(await tokenizerMetadata(memoryFiles({}), 10)).toEqual(
    new Map([['tokenizer.ggml.model', text('none')]]),
  );
});
