import { referenceBackend } from '@moeq/kernels';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CachePool } from '../caches/cache-pool.js';
import { createCaches } from '../caches/model-caches.js';
import { Sequence } from '../caches/sequence.js';
import { loadDecoder } from '../load/load-decoder.js';
import { randomSource, someIds, tinyAttention, tinyInputs, tinyMixtral } from '../testkit/random-source.js';
import { largestDifference } from '../testkit/rows.js';
import { type Executor, runBatch, type Slice } from './run-batch.js';

const pageSize = 4;
const source = randomSource(tinyMixtral, 5);

async function start(pages: number, from = source): Promise<{ executor: Executor; pool: CachePool }> {
  const backend = referenceBackend();
  const { decoder } = await loadDecoder(from, backend, {});
  const { kvHeads, headDim } = tinyAttention;
  const spec = { kvHeads, headDim };
  const groups = [{ kind: 'kv', spec, window: null, layers: [0, 1], pageSize, pages }] as const;
  return {
    executor: { backend, decoder, caches: createCaches(backend, groups), losses: 0, closed: false },
    pool: new CachePool(groups),
  };
}

/** Logits after every token, by itself and at once. */
async function alone(ids: readonly number[], from = source): Promise<Float32Array> {
  const { executor, pool } = await start(20, from);
  const sequence = new Sequence(ids, pool);
  const [result] = await runBatch(executor, [{ sequence, count: ids.length, logits: 'all' }]);
  return result?.logits ?? new Float32Array();
}

const sources = [
  ['Mixtral', source],
  ['layers with inputs of their own', randomSource(tinyInputs, 6)],
] as const;

describe('runBatch', () => {
  test.each(sources)(
    'sequences that share steps, in pages that lie in any order, compute what each computes alone: %s',
    async (_, from) => {
      const lengths = fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 4 });
      const chunk = fc.integer({ min: 0, max: 7 });
      await fc.assert(
        fc.asyncProperty(lengths, fc.array(chunk, { minLength: 5, maxLength: 12 }), async (sizes, chunks) => {
          fc.pre(chunks.some((size) => size > 0));
          const { executor, pool } = await start(24, from);
          const texts = sizes.map((length, index) => someIds(tinyMixtral, length, index));
          const sequences = texts.map((ids) => new Sequence(ids, pool));
          const found = texts.map((): number[] => []);
          for (let turn = 0; sequences.some(({ pending }) => pending > 0); turn += 1) {
            const slices = sequences.flatMap((sequence, index): Slice[] => {
              const count = Math.min(chunks[(turn + index * 3) % chunks.length] ?? 0, sequence.pending);
              return count === 0 ? [] : [{ sequence, count, logits: 'all' }];
            });
            if (slices.length === 0) continue;
            const results = await runBatch(executor, slices, { routings: true });
            for (const [index, { sequence, count }] of slices.entries()) {
              found[sequences.indexOf(sequence)]?.push(...(results[index]?.logits ?? []));
              expect(
                results[index]?.routings.map(({ tokens, expertIndices }) => [tokens, expertIndices.length]),
              ).toEqual([0, 1].map(() => [count, 2 * count]));
            }
          }
          for (const [index, ids] of texts.entries()) {
            expect(largestDifference(found[index] ?? [], await alone(ids, from))).toBeLessThan(1e-6);
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  test.each(sources)(
    'logits of the last token, of all or of none, in the order of the slices: %s',
    async (_, from) => {
      const { executor, pool } = await start(20, from);
      const texts = [3, 5, 4].map((length, index) => someIds(tinyMixtral, length, index));
      const kinds = ['last', 'none', 'all'] as const;
      const results = await runBatch(
        executor,
        texts.map((ids, index) => ({
          sequence: new Sequence(ids, pool),
          count: ids.length,
          logits: kinds[index] ?? 'none',
        })),
      );
      const v = tinyMixtral.vocabularySize;
      const [first, , third] = await Promise.all(texts.map((ids) => alone(ids, from)));
      expect(largestDifference(results[0]?.logits ?? [], first?.subarray(2 * v) ?? [])).toBeLessThan(1e-6);
      expect(results[1]?.logits).toHaveLength(0);
      expect(largestDifference(results[2]?.logits ?? [], third ?? [])).toBeLessThan(1e-6);
    },
  );

  test('behind the last mixer, experts get the tokens alone whose logits are wanted', async () => {
    const { executor, pool } = await start(20);
    const slices = (['none', 'last', 'all'] as const).map((logits, index) => {
      const ids = someIds(tinyMixtral, 5, index);
      return { sequence: new Sequence(ids, pool), count: index + 2, logits };
    });
    const tokensOf = async (some: readonly Slice[]) => {
      const results = await runBatch(executor, some, { routings: true });
      return results.map(({ routings }) => routings.map(({ layer, tokens }) => [layer, tokens]));
    };
    expect(await tokensOf(slices)).toEqual(
      [[2, 0] as const, [3, 1] as const, [4, 4] as const].map(([first, second]) => [
        [0, first],
        [1, second],
      ]),
    );
    expect(await tokensOf(slices.slice(0, 1))).toEqual([[[0, 2]]]);
  });

  test('a sequence that gave its pages up computes the same when it is fed again', async () => {
    const { executor, pool } = await start(10);
    const ids = someIds(tinyMixtral, 9, 1);
    const sequence = new Sequence(ids, pool);
    await runBatch(executor, [{ sequence, count: 8, logits: 'none' }]);
    sequence.release();
    expect([sequence.cached, sequence.pending, pool.allocators[0]?.freePages]).toEqual([0, 9, 10]);
    const [result] = await runBatch(executor, [{ sequence, count: 9, logits: 'last' }]);
    const expected = (await alone(ids)).subarray(8 * tinyMixtral.vocabularySize);
    expect(largestDifference(result?.logits ?? [], expected)).toBeLessThan(1e-6);
  });

  test('without room it is an error, and what was cached stays usable', async () => {
    const { executor, pool } = await start(2);
    const sequence = new Sequence(someIds(tinyMixtral, 20, 1), pool);
    await runBatch(executor, [{ sequence, count: 5, logits: 'none' }]);
    await expect(runBatch(executor, [{ sequence, count: 4, logits: 'last' }])).rejects.toThrow(
      'the KV cache: cannot hold 4 more tokens: expected 1 free page of 4 tokens',
    );
    const [result] = await runBatch(executor, [{ sequence, count: 3, logits: 'last' }]);
    expect(result?.logits).toHaveLength(tinyMixtral.vocabularySize);
  });
});
