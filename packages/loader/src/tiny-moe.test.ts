// tiny-moe in bfloat16 on the reference backend, against transformers in float32, and quantized while loading.
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createModel, type Model } from '@moeq/runtime';
import { modelUrl } from '@moeq/tiny-moe';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from './node/open-model.js';
import { largestDifference, Reference } from './testkit/golden.js';

const reference = await Reference.open(fileURLToPath(new URL('../testdata/reference.safetensors', modelUrl)));
const PROMPTS = 8;
/** reference.json: prompt and 48 greedy tokens. */
const GREEDY = 48;

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
    for (let prompt = 0; prompt < PROMPTS; prompt += 1) {
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

  test.each(Array.from({ length: PROMPTS }, (_, prompt) => prompt))(
    'greedy continuation %d',
    async (prompt) => {
      const tokens = [...reference.integers(`${prompt}.tokens`)];
      const { tokenIds } = await model.complete(tokens.slice(0, -GREEDY), {
        temperature: 0,
        stopTokenIds: [],
        maxNewTokens: GREEDY,
      });
      expect(tokenIds).toEqual(tokens.slice(-GREEDY));
    },
  );
});
