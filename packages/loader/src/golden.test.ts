// The five architectures on the reference backend, against transformers in float32: logits within 2e-3, the same greedy
// text, the same experts.
import { referenceBackend } from '@moeq/kernels';
import { createModel, type Model } from '@moeq/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from './node/open-model.js';
import { goldenNames, goldenPath, largestDifference, Reference } from './testkit/golden.js';

describe.each(goldenNames)('%s', (name) => {
  let model: Model;
  let reference: Reference;

  beforeAll(async () => {
    reference = await Reference.open(`${goldenPath(name)}/reference.safetensors`);
    const source = await openModel(goldenPath(name));
    model = await createModel(source, { backend: referenceBackend() });
    await source.close();
  });
  afterAll(() => model.close());

  test('logits and experts of two sequences', async () => {
    const [rows = 0, length = 0] = reference.shape('input_ids');
    const ids = reference.integers('input_ids');
    const logits = reference.floats('logits');
    const indices = reference.names(/expert_indices$/).map((key) => reference.integers(key));
    expect(rows * length).toBe(48);
    expect(indices).toHaveLength(2);
    for (let row = 0; row < rows; row += 1) {
      const result = await model.logits([...ids.subarray(row * length, (row + 1) * length)], {
        routings: true,
      });
      const width = length * result.vocabularySize;
      expect(largestDifference(result.logits, logits.subarray(row * width, (row + 1) * width))).toBeLessThan(
        2e-3,
      );
      result.routings.forEach(({ expertIndices, expertsPerToken }, layer) => {
        const slots = length * expertsPerToken;
        expect([...expertIndices]).toEqual([...(indices[layer] ?? []).slice(row * slots, (row + 1) * slots)]);
      });
    }
  });

  test('greedy text', async () => {
    const prompt = [...reference.integers('generate_prompt')];
    const output = [...reference.integers('generate_output')];
    const { tokenIds } = await model.complete(prompt, {
      temperature: 0,
      stopTokenIds: [],
      maxNewTokens: output.length - prompt.length,
    });
    expect([...prompt, ...tokenIds]).toEqual(output);
  });
});
