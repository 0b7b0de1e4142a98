import { referenceBackend } from '@moeq/kernels';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel } from './create-model.js';
import type { DecoderConfig } from './model-source.js';
import { naiveMixtral } from './testkit/naive-mixtral.js';
import { mixtralLayer, randomSource, tinyMixtral } from './testkit/random-source.js';

/** Float32 against float64 through two to three layers. */
const tolerance = 1e-4;

const mixtral = fc
  .record({
    vocabularySize: fc.integer({ min: 8, max: 40 }),
    hiddenSize: fc.integer({ min: 2, max: 10 }).map((half) => 2 * half),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    headDim: fc.integer({ min: 1, max: 5 }).map((half) => 2 * half),
    experts: fc.integer({ min: 1, max: 6 }),
    active: fc.integer({ min: 1, max: 6 }),
    intermediate: fc.integer({ min: 1, max: 14 }),
    layers: fc.integer({ min: 1, max: 3 }),
    theta: fc.constantFrom(10_000, 1e6),
  })
  .map(
    (size): DecoderConfig => ({
      ...tinyMixtral,
      vocabularySize: size.vocabularySize,
      hiddenSize: size.hiddenSize,
      layers: Array.from({ length: size.layers }, () =>
        mixtralLayer(size.experts, Math.min(size.active, size.experts), size.intermediate),
      ),
      attention: {
        ...tinyMixtral.attention,
        heads: size.kvHeads * size.group,
        kvHeads: size.kvHeads,
        headDim: size.headDim,
        scale: size.headDim ** -0.5,
        rope: { theta: size.theta, rotatedDim: size.headDim, style: 'halves' },
      },
    }),
  );

function idsFor({ vocabularySize }: DecoderConfig, length: number, seed: number): number[] {
  return Array.from({ length }, (_, index) => (seed * 31 + index * index * 7 + index * 3) % vocabularySize);
}

describe('forward', () => {
  test('computes what a float64 Mixtral computes, whatever the sizes and the chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        mixtral,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        async (config, seed, length, prefillChunk) => {
          const source = randomSource(config, seed);
          const ids = idsFor(config, length, seed);
          const expected = await naiveMixtral(source, ids);
          const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
          const { logits, routings } = await model.logits(ids, { routings: true });
          expect(largestDifference(logits, expected.logits.flat())).toBeLessThan(tolerance);
          expect(routings.map(({ layer }) => layer)).toEqual(config.layers.map((_, layer) => layer));
          for (const { layer, expertIndices } of routings) {
            expect([...expertIndices]).toEqual(expected.experts[layer]?.flat());
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('prefill at once, in chunks and token by token give the same logits', async () => {
    const source = randomSource(tinyMixtral, 1);
    const ids = idsFor(tinyMixtral, 37, 2);
    const outputs = await Promise.all(
      [64, 16, 7, 1].map(async (prefillChunk) => {
        const model = await createModel(source, { backend: referenceBackend(), prefillChunk });
        return (await model.logits(ids)).logits;
      }),
    );
    for (const output of outputs) expect(largestDifference(output, outputs[0] ?? [])).toBeLessThan(1e-6);
  });
});

/** NaN where one of them is, or where lengths differ. */
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  return Array.from(a).reduce(
    (largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? Number.NaN))),
    0,
  );
}
