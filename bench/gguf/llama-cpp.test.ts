// GGUF both ways with llama.cpp: it loads what moeq writes and continues every prompt as moeq does in float32, and the file
// that it has loaded opens in moeq with the same logits as the checkpoint.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertToGguf } from '@moeq/convert/node';
import { referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel, type Model } from '@moeq/runtime';
import { ggufType } from '@moeq/tensors';
import { modelUrl } from '@moeq/tiny-moe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LlamaReference, loadLlama } from './llama-cpp.ts';
import { writeRandomGguf } from './random-gguf.ts';

const GREEDY = 48;

interface Case {
  readonly prompt: string;
  readonly prompt_tokens: number;
  readonly text: string;
}
const cases = JSON.parse(
  await readFile(new URL('../testdata/reference.json', modelUrl), 'utf8'),
) as readonly Case[];

const load = await loadLlama();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-llama-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function open(reference: string): Promise<Model> {
  const source = await openModel(reference);
  const model = await createModel(source, { backend: referenceBackend() });
  await source.close();
  return model;
}

const write = async (recipe: string): Promise<string> => {
  const out = join(folder, `${recipe}.gguf`);
  await convertToGguf({ model: 'tiny-moe', out, recipe, overwrite: true });
  return out;
};

describe.skipIf(load === null)('tiny-moe in F32, in llama.cpp', () => {
  let ours: Model;
  let read: Model;
  let llama: LlamaReference;
  beforeAll(async () => {
    const path = await write('f32');
    if (load === null) return;
    llama = await load(path);
    ours = await open('tiny-moe');
    read = await open(path);
  });
  afterAll(async () => {
    await llama[Symbol.asyncDispose]();
    await ours.close();
    await read.close();
  });

  test.each(cases)('$prompt: the tokens of the prompt, and the text that follows', async (known) => {
    const tokens = ours.tokenizer?.encode(known.prompt) ?? [];
    expect(tokens).toHaveLength(known.prompt_tokens);
    expect(read.tokenizer?.encode(known.prompt)).toEqual(tokens);
    // llama.cpp leaves the token before a text to its caller
    expect(llama.encode(known.prompt)).toEqual(tokens.slice(1));
    const greedy = { temperature: 0, stopTokenIds: [], maxNewTokens: GREEDY };
    const { tokenIds } = await ours.complete(tokens, greedy);
    expect(await llama.greedy(tokens, GREEDY)).toEqual([...tokenIds]);
    expect(ours.tokenizer?.decode([...tokens, ...tokenIds], { skipSpecialTokens: true })).toBe(known.text);
  });

  test('the file that it has loaded has our logits', async () => {
    expect(cases).toHaveLength(8);
    const tokens = ours.tokenizer?.encode(cases[0]?.text ?? '') ?? [];
    expect((await read.logits(tokens)).logits).toEqual((await ours.logits(tokens)).logits);
  });
});

describe.skipIf(load === null)('tiny-moe in fewer bits, in llama.cpp', () => {
  test.each(['q8_0', 'q4_0', 'iq4_nl', 'bf16', 'f16'])(
    '%s: mostly the same tokens as ours',
    async (recipe) => {
      const path = await write(recipe);
      await using llama = await load?.(path);
      if (llama === undefined) throw new Error('no llama.cpp');
      const ours = await open(path);
      let [same, all] = [0, 0];
      for (const { prompt } of cases.slice(0, 2)) {
        const tokens = ours.tokenizer?.encode(prompt) ?? [];
        const theirs = await llama.greedy(tokens, GREEDY);
        // what moeq would have written at each place of their text: llama.cpp rounds activations to 8 or 16 bits
        const { logits, vocabularySize } = await ours.logits([...tokens, ...theirs]);
        theirs.forEach((token, index) => {
          const row = logits
            .subarray((tokens.length - 1 + index) * vocabularySize)
            .subarray(0, vocabularySize);
          all += 1;
          if (row.indexOf(Math.max(...row)) === token) same += 1;
        });
      }
      expect(all).toBe(2 * GREEDY);
      expect(same / all).toBeGreaterThan(0.9);
      await ours.close();
    },
  );
});

test('a random model of any shape, in moeq and in llama.cpp', async () => {
  const path = join(folder, 'random.gguf');
  const shape = {
    hidden: 128,
    intermediate: 96,
    layers: 2,
    experts: 4,
    expertsPerToken: 2,
    heads: 4,
    kvHeads: 2,
    vocabulary: 300,
    context: 128,
  };
  for (const type of ['IQ4_NL', 'Q8_0', 'BF16']) {
    await writeRandomGguf(path, ggufType(type), shape);
    const model = await open(path);
    const { logits } = await model.logits([5, 6, 7]);
    const size = Math.sqrt(logits.reduce((sum, value) => sum + value * value, 0) / logits.length);
    expect(size).toBeGreaterThan(0.1);
    expect(size).toBeLessThan(10);
    await model.close();
    if (load === null) continue;
    await using llama = await load(path);
    expect(await llama.greedy([5, 6, 7], 4)).toHaveLength(4);
  }
});
