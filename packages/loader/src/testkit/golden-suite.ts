// Every golden checkpoint on one backend, against what transformers computed in float32: logits within a bound, the same
// experts, the same greedy text.
//
// Shapes: T tokens, A experts per token, V vocabulary.
import type { Backend } from '@moeq/kernels';
import { createModel, type Model } from '@moeq/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openModel } from '../node/open-model.js';
import { goldenNames, goldenPath, largestDifference, Reference } from './golden.js';

interface GoldenSuite {
  /** Of checkpoints and where they lie; those of all architectures unless given. */
  readonly names?: readonly string[];
  path?(name: string): string;
  /** Asked once the tests run. */
  backend(): Backend;
  /**
   * Of the largest difference of two logits.
   * @param largest of all logits, by their size
   * @param name of the checkpoint
   */
  bound(largest: number, name: string): number;
  /** Runs the greedy text, and what a backend wants to know of it besides. */
  around?(write: () => Promise<void>, model: Model): Promise<void>;
}

/**
 * Of backends that add up in float32. Transformers itself is 0.7e-5 of the largest off what float64 gives in Jamba, and
 * 2.6e-5 with delta nets, whose norms of small outputs magnify what float32 leaves.
 */
export function float32Bound(largest: number, name: string): number {
  const relative = name === 'jamba' ? 2e-5 : /^qwen3_(next|5)/.test(name) ? 5e-5 : 1e-5;
  return relative * largest;
}

export function goldenSuite({
  backend,
  bound,
  around = (write) => write(),
  names = goldenNames,
  path = goldenPath,
}: GoldenSuite): void {
  describe.each(names)('%s', (name) => {
    let model: Model;
    let reference: Reference;

    beforeAll(async () => {
      reference = await Reference.open(`${path(name)}/reference.safetensors`);
      const source = await openModel(path(name));
      model = await createModel(source, { backend: backend() });
      await source.close();
    });
    afterAll(() => model.close());

    test('logits and experts of two sequences', async () => {
      const [sequences = 0, length = 0] = reference.shape('input_ids');
      const ids = reference.integers('input_ids');
      const logits = reference.floats('logits');
      const chosen = expertsOf(reference);
      expect(sequences * length).toBe(48);
      const largest = logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      for (let sequence = 0; sequence < sequences; sequence += 1) {
        const tokens = [...ids.subarray(sequence * length, (sequence + 1) * length)];
        const result = await model.logits(tokens, { routings: true });
        const width = length * result.vocabularySize;
        const expected = logits.subarray(sequence * width, (sequence + 1) * width);
        const most = bound(largest, name);
        expect(largestDifference(result.logits, expected)).toBeLessThan(most);
        const found = result.routings.map(({ expertIndices, expertsPerToken }) =>
          sets(expertIndices, expertsPerToken),
        );
        expect(found).toEqual(chosen.map((layer) => layer.slice(sequence * length, (sequence + 1) * length)));
      }
    });

    test('greedy text', async () => {
      const prompt = [...reference.integers('generate_prompt')];
      const output = [...reference.integers('generate_output')];
      const maxNewTokens = output.length - prompt.length;
      await around(async () => {
        const { tokenIds } = await model.complete(prompt, { temperature: 0, stopTokenIds: [], maxNewTokens });
        expect([...prompt, ...tokenIds]).toEqual(output);
      }, model);
    });
  });
}

/** The experts of each MoE layer and token; in ascending order, since transformers leaves theirs open. */
function expertsOf(reference: Reference): number[][][] {
  return reference
    .names(/expert_indices$/)
    .sort((a, b) => layerOf(a) - layerOf(b))
    .map((name) => sets(reference.integers(name), reference.shape(name).at(-1) ?? 0));
}

const layerOf = (name: string) => Number(/(?<=layers\.)\d+/.exec(name)?.[0]);

/** [T * A] -> [T][A] */
function sets(indices: Int32Array, expertsPerToken: number): number[][] {
  return Array.from({ length: indices.length / expertsPerToken }, (_, token) =>
    [...indices.subarray(token * expertsPerToken, (token + 1) * expertsPerToken)].sort((a, b) => a - b),
  );
}
