// The tokenizers of GGUF files: the ids that moeq's have for texts, against llama.cpp's for the same file.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ggufTokenizerMetadata } from '@moeq/loader';
import { openModel, resolveModel } from '@moeq/loader/node';
import { type GgufValue, ggufType } from '@moeq/tensors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadLlama } from './llama-cpp.ts';
import { writeRandomGguf } from './random-gguf.ts';

const load = await loadLlama();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-tokens-'));
});
afterAll(() => rm(folder, { recursive: true }));

const shape = {
  hidden: 64,
  intermediate: 64,
  layers: 1,
  experts: 2,
  expertsPerToken: 1,
  heads: 2,
  kvHeads: 1,
  vocabulary: 4096,
  context: 64,
};

const texts = [
  'Hello, world! In the beginning of the night.',
  "It's we'll I'D they'Ve can't 'tis",
  '1 12 123 1234567890 3.14 v2x10',
  'two  blanks,   three\n\n  lines\r\n\ttab \t end   ',
  'function f(x) { return x + 1; } // <tag/> $5 a=b ~|^',
  'naïve café 你好,世界 🙂 ½ ②',
  'and and\u00a0and',
  ' ',
  'a',
  "camelCase HTTPServer XMLHttpRequest ÉCOLEécole I’m you'RE",
  'これは 日本語ひらがなカタカナ 漢字12345 #include <a.h>\n\n',
];

async function same(tokenizer: ReadonlyMap<string, GgufValue>, vocabulary: number): Promise<void> {
  const path = join(folder, 'x.gguf');
  await writeRandomGguf(path, ggufType('F16'), { ...shape, vocabulary }, tokenizer);
  await using llama = await load?.(path);
  const source = await openModel(path);
  await source.close();
  for (const text of texts) {
    const ours = source.tokenizer?.encode(text, { addSpecialTokens: false });
    expect(ours, JSON.stringify(text)).toEqual(llama?.encode(text));
    expect(source.tokenizer?.decode(ours ?? [])).toBe(text);
  }
}

describe.skipIf(load === null)('ids as llama.cpp has them', () => {
  test.each([
    ...['gpt-2', 'llama-bpe', 'qwen2', 'refact', 'default', 'gpt-4o', 'deepseek-v3', 'glm4', 'minimax-m2'],
  ])('byte-level, cut as %s', async (pre) => {
    const metadata = await ggufTokenizerMetadata(await resolveModel('tiny-moe'), shape.vocabulary);
    await same(metadata.set('tokenizer.ggml.pre', { type: 'string', value: pre }), shape.vocabulary);
  });

  test('SentencePiece', async () => {
    const file = new URL('../../packages/loader/testdata/gguf/sentencepiece.json', import.meta.url);
    const { tokens, scores, types } = JSON.parse(await readFile(file, 'utf8')) as {
      tokens: string[];
      scores: number[];
      types: number[];
    };
    const metadata = new Map<string, GgufValue>([
      ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
      ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
      ['tokenizer.ggml.scores', { type: 'array', of: 'f32', value: scores }],
      ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: types }],
      ['tokenizer.ggml.bos_token_id', { type: 'u32', value: 1 }],
      ['tokenizer.ggml.eos_token_id', { type: 'u32', value: 2 }],
      ['tokenizer.ggml.unknown_token_id', { type: 'u32', value: 0 }],
    ]);
    await same(metadata, tokens.length);
  });
});
