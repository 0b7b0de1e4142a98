// tiny-moe in bfloat16 on the reference backend, against transformers in float32, and quantized while loading.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createModel, type Model } from '@moeq/runtime';
import { modelUrl } from '@moeq/tiny-moe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from './node/open-model.js';
import { largestDifference, Reference } from './testkit/golden.js';

const reference = await Reference.open(fileURLToPath(new URL('../testdata/reference.safetensors', modelUrl)));
const prompts = 8;
/** reference.json: prompt and 48 greedy tokens. */
const greedyTokens = 48;

describe('in bfloat16', () => {
  let model: Model;
  beforeAll(async () => {
    const source = await openModel('tiny-moe');
    model = await createModel(source, { backend: referenceBackend() });
    await source.close();
  });
  afterAll(() => model.close());

  test('logits within 2e-3, and the same experts for 99.9 % of tokens and layers', async () => {
    let [same, all] = [0, 0];
    for (let prompt = 0; prompt < prompts; prompt += 1) {
      const tokens = reference.integers(`${prompt}.tokens`);
      const result = await model.logits([...tokens], { routings: true });
      if (reference.has(`${prompt}.logits`)) {
        expect(largestDifference(result.logits, reference.floats(`${prompt}.logits`))).toBeLessThan(2e-3);
      }
      for (const { layer, expertIndices, expertsPerToken } of result.routings) {
        const expected = reference.integers(`${prompt}.layers.${layer}.expert_indices`);
        for (let token = 0; token < tokens.length; token += 1) {
          const slots = [token * expertsPerToken, (token + 1) * expertsPerToken] as const;
          const [ours, theirs] = [expertIndices, expected].map((indices) =>
            [...indices.slice(...slots)].sort(),
          );
          all += 1;
          if (String(ours) === String(theirs)) same += 1;
        }
      }
    }
    expect(all).toBeGreaterThan(2000);
    expect(same / all).toBeGreaterThanOrEqual(0.999);
  });

  test.each(Array.from({ length: prompts }, (_, prompt) => prompt))(
    'greedy continuation %d',
    async (prompt) => {
      const tokens = [...reference.integers(`${prompt}.tokens`)];
      const { tokenIds } = await model.complete(tokens.slice(0, -greedyTokens), {
        temperature: 0,
        stopTokenIds: [],
        maxNewTokens: greedyTokens,
      });
      expect(tokenIds).toEqual(tokens.slice(-greedyTokens));
    },
  );
});

test('the tokenizer gives the tokens and texts of the reference', async () => {
  const source = await openModel('tiny-moe');
  await source.close();
  const { tokenizer } = source;
  if (tokenizer === null) throw new Error('tiny-moe has a tokenizer');
  const cases = JSON.parse(await readFile(new URL('../testdata/reference.json', modelUrl), 'utf8')) as Case[];
  expect(cases).toHaveLength(prompts);
  cases.forEach(({ prompt, prompt_tokens, text }, index) => {
    const tokens = [...reference.integers(`${index}.tokens`)];
    expect(tokenizer.encode(prompt)).toEqual(tokens.slice(0, prompt_tokens));
    expect(tokenizer.decode(tokens, { skipSpecialTokens: true })).toBe(text);
  });
});

interface Case {
  readonly prompt: string;
  readonly prompt_tokens: number;
  readonly text: string;
}

describe('in nf4, quantized while loading', () => {
  test('experts at 4.13 bits, all else as it was, and most next tokens the same', async () => {
    const source = await openModel('tiny-moe', { recipe: 'nf4' });
    const model = await createModel(source, { backend: referenceBackend() });
    await source.close();
    const { tensors } = source.report();
    const experts = tensors.filter(({ role }) => role === 'expert');
    expect(experts).toHaveLength(6 * 8 * 3);
    // 256 x 256 weights: half a byte each; a byte for each block of 64; a float32 for 256 of those; and their offset
    const matrixBytes = 2 ** 16 / 2 + 2 ** 10 + 4 * 4 + 4;
    for (const { bytes } of experts) expect(bytes).toEqual({ stored: 2 * 2 ** 16, loaded: matrixBytes });
    for (const { role, stored, loaded } of tensors) expect(role === 'expert' || stored === loaded).toBe(true);

    const tokens = reference.integers('0.tokens');
    const { logits, vocabularySize } = await model.logits([...tokens]);
    const best = (all: Float32Array, token: number) => {
      const row = all.subarray(token * vocabularySize, (token + 1) * vocabularySize);
      return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
    };
    const positions = [...tokens.keys()];
    const same = positions.filter(
      (token) => best(logits, token) === best(reference.floats('0.logits'), token),
    );
    expect([same.length, positions.length]).toEqual([51, 52]);
    expect(largestDifference(logits, reference.floats('0.logits'))).toBeGreaterThan(1e-3);
    await model.close();
  });
});
