// Whole models: the text and the logits of the reference backend, and what a token costs in dispatches,
// submissions and bytes.
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import type { Model } from '@moeq/runtime';
import { createModel } from '@moeq/runtime';
import { modelUrl } from '@moeq/tiny-moe';
import { type WebGpuBackend, webgpuBackend } from '@moeq/webgpu';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isThorough, testGpu } from '../../../../packages/webgpu/src/testkit/gpu.js';

const { gpu, reason } = await testGpu();

const prompts = [
  'In the beginning',
  'And it came to pass',
  'ROMEO:',
  'def main(',
  'The king said',
  'import os',
  'Once upon a time',
  'for i in range(',
];

/** KL(p || q) of two rows of logits, in nats. */
function divergence(p: Float32Array, q: Float32Array): number {
  const logSum = (row: Float32Array): number => {
    const max = row.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    return max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
  };
  const [ofP, ofQ] = [logSum(p), logSum(q)];
  return p.reduce(
    (sum, value, i) => sum + Math.exp(value - ofP) * (value - ofP - ((q[i] as number) - ofQ)),
    0,
  );
}

describe.skipIf(gpu === null)(`models on WebGPU${reason && ` (${reason})`}`, () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuBackend({ gpu: gpu as GPU });
  });
  afterAll(() => backend.destroy());

  describe.each(['bfloat16', 'nf4'] as const)('tiny-moe in %s', (format) => {
    let model: Model;
    let expected: Model;
    beforeAll(async () => {
      const recipe = format === 'nf4' ? { recipe: 'nf4' } : {};
      const source = await openModel(fileURLToPath(modelUrl), recipe);
      model = await createModel(source, { backend });
      expected = await createModel(source, { backend: referenceBackend() });
      await source.close();
    });
    afterAll(async () => {
      await model.close();
      await expected.close();
    });

    const [texts, tokens] = isThorough ? [prompts, 64] : [prompts.slice(0, 2), 12];
    const title = `writes what the reference backend writes: ${tokens} tokens after ${texts.length} prompts`;
    test(`${title}; a token takes one submission, and its logits back`, { timeout: 3_600_000 }, async () => {
      const before = backend.stats();
      for (const prompt of texts) {
        const options = { temperature: 0, maxNewTokens: tokens, stopTokenIds: [] };
        const [own, other] = await Promise.all([
          model.complete(prompt, options),
          expected.complete(prompt, options),
        ]);
        expect(own.tokenIds).toEqual(other.tokenIds);
      }
      const after = backend.stats();
      const submits = after.submits - before.submits;
      expect(submits).toBe(tokens * texts.length);
      const read = (after.bytesRead - before.bytesRead) / submits;
      expect(read).toBe(4 * model.config.vocabularySize + 4);
    });

    test('a token takes at most 8 dispatches a layer, and two', async () => {
      const options = { temperature: 0, maxNewTokens: 2, stopTokenIds: [] };
      const before = backend.stats();
      await model.complete([1], options);
      const after = backend.stats();
      const dispatches = (after.dispatches - before.dispatches) / 2;
      expect(dispatches).toBeLessThanOrEqual(8 * model.config.layers.length + 2);
    });

    test('mean KL divergence of logits from the reference at most 1e-9', async () => {
      const text = prompts.slice(0, isThorough ? 8 : 2).join('\n');
      const own = await model.logits(text, { routings: true });
      const other = await expected.logits(text, { routings: true });
      const { tokens, vocabularySize } = own;
      let sum = 0;
      for (let t = 0; t < tokens; t++) {
        const row = [t * vocabularySize, (t + 1) * vocabularySize] as const;
        sum += divergence(other.logits.subarray(...row), own.logits.subarray(...row));
      }
      expect(sum / tokens).toBeLessThan(1e-9);
      expect(own.routings.map(({ expertIndices }) => [...expertIndices])).toEqual(
        other.routings.map(({ expertIndices }) => [...expertIndices]),
      );
    });
  });
});
