// Every architecture in llama.cpp: what it writes after a prompt in a file of moeq's, against what transformers wrote with the
// same weights. deepseek_v2_lite is not here: llama.cpp knows models without a latent of queries by having 26 or 27 layers.
// Nor are dots1 and olmoe: it loads them with as many key heads as query heads only, which the golden ones do not have.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertToGguf } from '@moeq/convert/node';
import { openCheckpoint } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';
import { memorySource } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadLlama } from './llama-cpp.ts';

const load = await loadLlama();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-architectures-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** node-llama-cpp opens no model without a tokenizer, and the golden ones have none. */
const vocabulary = Object.fromEntries(Array.from({ length: 160 }, (_, id) => [`t${id}`, id]));
const tokenizer = new TextEncoder().encode(
  JSON.stringify({
    model: { type: 'BPE', vocab: vocabulary, merges: ['t 1'] },
    pre_tokenizer: { type: 'ByteLevel' },
  }),
);

describe.skipIf(load === null)('greedy texts as transformers', () => {
  test.each([
    ...[
      'mixtral',
      'qwen3_moe',
      'qwen2_moe',
      'gpt_oss',
      'deepseek_v2',
      'deepseek_v3',
      'glm4_moe_lite',
      'glm4_moe',
      'lfm2_moe',
      'minimax_m2',
      'granitemoe',
      'granitemoeshared',
      'ernie4_5_moe',
      'qwen3_next',
      'qwen3_5_moe_full',
    ],
  ])('%s', async (name) => {
    const golden = fileURLToPath(
      new URL(`../../packages/loader/testdata/architectures/${name}`, import.meta.url),
    );
    const checkpoint = await openCheckpoint(await resolveModel(golden));
    const files = {
      ...checkpoint.files,
      open: async (file: string) =>
        file === 'tokenizer.json' ? memorySource(file, tokenizer) : checkpoint.files.open(file),
    };
    const path = join(folder, `${name}.gguf`);
    await convertToGguf({ model: { ...checkpoint, files }, out: path, recipe: 'f32' });
    await checkpoint.close();

    const reference = await openSafetensorsFile(join(golden, 'reference.safetensors'));
    const integers = async (key: string) => {
      const { data, dtype } = await reference.read(key);
      return dtype === 'I64'
        ? Array.from(new BigInt64Array(data.buffer, data.byteOffset, data.length / 8), Number)
        : [...new Int32Array(data.buffer, data.byteOffset, data.length / 4)];
    };
    const prompt = await integers('generate_prompt');
    const output = await integers('generate_output');
    await reference.close();
    await using llama = await load?.(path);
    const theirs = (await llama?.greedy(prompt, output.length - prompt.length)) ?? [];
    expect([...prompt, ...theirs]).toEqual(output);
  });
});
