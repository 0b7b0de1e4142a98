// GGUF both ways with llama.cpp: it loads what moeq writes and continues every prompt as moeq does in float32, and the file
// that it has loaded opens in moeq with the same logits as the checkpoint.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertToGguf } from '@moeq/convert/node';
import { type Backend, referenceBackend } from '@moeq/kernels';
import { openCheckpoint } from '@moeq/loader';
import { openModel, resolveModel } from '@moeq/loader/node';
import { createModel, type Model } from '@moeq/runtime';
import { ggufType, memorySource } from '@moeq/tensors';
import { modelUrl } from '@moeq/tiny-moe';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitGguf } from '../../packages/loader/src/testkit/split-gguf.ts';
import { type LlamaReference, loadLlama } from './llama-cpp.ts';
import { writeRandomGguf } from './random-gguf.ts';

const greedyTokens = 48;

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
/** For all but float32, which llama.cpp does not round either. */
let backend: Backend;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-llama-'));
  backend = await wasmBackend({ threads: 1 });
});
afterAll(async () => {
  await backend.destroy();
  await rm(folder, { recursive: true });
});

async function open(reference: string, backend: Backend): Promise<Model> {
  const source = await openModel(reference);
  const model = await createModel(source, { backend });
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
    ours = await open('tiny-moe', referenceBackend());
    read = await open(path, referenceBackend());
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
    const greedy = { temperature: 0, stopTokenIds: [], maxNewTokens: greedyTokens };
    const { tokenIds } = await ours.complete(tokens, greedy);
    expect(await llama.greedy(tokens, greedyTokens)).toEqual([...tokenIds]);
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
      const ours = await open(path, backend);
      let [same, all] = [0, 0];
      for (const { prompt } of cases.slice(0, 2)) {
        const tokens = ours.tokenizer?.encode(prompt) ?? [];
        const theirs = await llama.greedy(tokens, greedyTokens);
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
      expect(all).toBe(2 * greedyTokens);
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
    const model = await open(path, backend);
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

describe.skipIf(load === null)('random weights of every type that quantizes, in llama.cpp', () => {
  const shape = {
    hidden: 256,
    intermediate: 512,
    layers: 2,
    experts: 4,
    expertsPerToken: 2,
    heads: 4,
    kvHeads: 2,
    vocabulary: 300,
    context: 128,
  };

  test('in several files, split as llama-gguf-split does: the same tokens as in one', async () => {
    const whole = join(folder, 'whole.gguf');
    await writeRandomGguf(whole, ggufType('Q5_0'), shape);
    const parts = await splitGguf(new Uint8Array(await readFile(whole)));
    for (const [name, data] of Object.entries(parts)) await writeFile(join(folder, name), data);
    const [first = ''] = Object.keys(parts);
    const texts = [];
    for (const path of [whole, join(folder, first)]) {
      await using llama = await load?.(path);
      texts.push(await llama?.greedy([5, 6, 7], greedyTokens));
    }
    expect(texts[0]).toHaveLength(greedyTokens);
    expect(texts[1]).toEqual(texts[0]);
  });

  test.each([
    ...['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K'],
    ...['IQ2_XXS', 'IQ2_XS', 'IQ2_S', 'IQ3_XXS', 'IQ3_S', 'IQ1_S', 'IQ4_NL', 'IQ4_XS'],
  ])('%s: its choices are ours, or as good', async (name) => {
    const path = join(folder, `${name}.gguf`);
    await writeRandomGguf(path, ggufType(name), shape);
    await using llama = await load?.(path);
    if (llama === undefined) throw new Error('no llama.cpp');
    const model = await open(path, backend);
    const prompt = [5, 6, 7];
    const theirs = await llama.greedy(prompt, greedyTokens);
    const { logits, vocabularySize } = await model.logits([...prompt, ...theirs]);
    const deviation = Math.sqrt(logits.reduce((sum, logit) => sum + logit * logit, 0) / logits.length);
    const good = theirs.filter((token, index) => {
      const row = logits.subarray((prompt.length - 1 + index) * vocabularySize).subarray(0, vocabularySize);
      return Math.max(...row) - (row[token] ?? 0) <= deviation / 10;
    });
    expect(theirs).toHaveLength(greedyTokens);
    // it rounds activations to 8 bits, which can route a token to another expert where two are about as likely
    expect(good.length / greedyTokens).toBeGreaterThan(0.9);
    await model.close();
  });
});

test.skipIf(load === null)('gpt-oss in MXFP4: its choices are ours, or as good', async () => {
  const model = fileURLToPath(
    new URL('../../packages/loader/testdata/quantized/gpt_oss_mxfp4', import.meta.url),
  );
  const checkpoint = await openCheckpoint(await resolveModel(model));
  const { vocabularySize: size } = checkpoint.decoder;
  const vocab = Object.fromEntries(Array.from({ length: size }, (_, id) => [`t${id}`, id]));
  const json = { model: { type: 'BPE', vocab, merges: ['t 1'] }, pre_tokenizer: { type: 'ByteLevel' } };
  const tokenizer = new TextEncoder().encode(JSON.stringify(json));
  const files = {
    ...checkpoint.files,
    open: async (file: string) =>
      file === 'tokenizer.json' ? memorySource(file, tokenizer) : checkpoint.files.open(file),
  };
  const path = join(folder, 'gpt-oss.gguf');
  await convertToGguf({ model: { ...checkpoint, files }, out: path });
  await checkpoint.close();
  await using llama = await load?.(path);
  const prompt = [5, 6, 7];
  const theirs = (await llama?.greedy(prompt, greedyTokens)) ?? [];
  const ours = await open(path, backend);
  const { logits, vocabularySize } = await ours.logits([...prompt, ...theirs]);
  await ours.close();
  const deviation = Math.sqrt(logits.reduce((sum, logit) => sum + logit * logit, 0) / logits.length);
  const good = theirs.filter((token, index) => {
    const row = logits.subarray((prompt.length - 1 + index) * vocabularySize).subarray(0, vocabularySize);
    return Math.max(...row) - (row[token] ?? 0) <= deviation / 10;
  });
  expect(theirs).toHaveLength(greedyTokens);
  expect(good.length / greedyTokens).toBeGreaterThan(0.9);
});
