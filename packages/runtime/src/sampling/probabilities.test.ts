import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Distribution, draw, probabilities, type WarpSettings } from './probabilities.js';
import { seededRandom } from './random.js';

const off: WarpSettings = { temperature: 1, topK: 0, topP: 1, minP: 0 };

/** The same by sorting everything and renormalising after every stage, as transformers' warpers do. */
function naive(logits: readonly number[], { temperature, topK, topP, minP }: WarpSettings) {
  const max = logits.reduce((largest, logit) => Math.max(largest, logit));
  let kept = logits
    .map((logit, id) => ({ id, share: Math.exp((logit - max) / temperature) }))
    .sort((a, b) =>
      logits[a.id] === logits[b.id] ? a.id - b.id : (logits[b.id] ?? 0) - (logits[a.id] ?? 0),
    );
  const renormalise = () => {
    const total = kept.reduce((sum, { share }) => sum + share, 0);
    kept = kept.map(({ id, share }) => ({ id, share: share / total }));
  };
  if (topK > 0) kept = kept.slice(0, topK);
  renormalise();
  let before = 0;
  let closest = Infinity;
  if (topP < 1) {
    kept = kept.filter(({ share }, index) => {
      const keep = index === 0 || before < topP;
      closest = Math.min(closest, Math.abs(before - topP));
      before += share;
      return keep;
    });
    renormalise();
  }
  const best = kept[0]?.share ?? 0;
  for (const { share } of kept)
    closest = Math.min(closest, minP > 0 ? Math.abs(share / best - minP) : Infinity);
  kept = kept.filter(({ share }) => share / best >= minP);
  renormalise();
  return { shares: new Map(kept.map(({ id, share }) => [id, share])), closest };
}

function asMap({ tokenIds, probabilities: shares }: Distribution): Map<number, number> {
  return new Map(Array.from(tokenIds, (id, index) => [id, shares[index] ?? Number.NaN]));
}

function expectSame(found: Distribution, expected: Map<number, number>): void {
  const shares = asMap(found);
  expect([...shares.keys()].sort((a, b) => a - b)).toEqual([...expected.keys()].sort((a, b) => a - b));
  for (const [id, share] of expected)
    expect(Math.abs((shares.get(id) ?? Number.NaN) - share)).toBeLessThan(1e-12);
}

const settings = fc.record({
  temperature: fc.constantFrom(0.01, 0.5, 1, 1.7, 100),
  topK: fc.nat({ max: 12 }),
  topP: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  minP: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
});
/** Steps of 1/64: different logits have different weights in float64. */
const float = fc.integer({ min: -30 * 64, max: 30 * 64 }).map((steps) => steps / 64);
const logits = fc
  .tuple(
    fc.array(fc.oneof(float, fc.integer({ min: -2, max: 2 }), fc.constant(-Infinity)), { maxLength: 40 }),
    float,
  )
  .map(([rest, finite]) => [...rest, finite]);

describe('probabilities', () => {
  test('is the naive distribution, whatever the logits and settings', () => {
    fc.assert(
      fc.property(logits, settings, (values, options) => {
        const { shares, closest } = naive(values, options);
        // On the border rounding decides; borders have their cases below.
        fc.pre(closest > 1e-9 || options.topP === 0 || options.minP === 1);
        const input = Float32Array.from(values);
        expectSame(probabilities(input, options), shares);
        expect([...input]).toEqual(values);
      }),
      { numRuns: 2000 },
    );
  });

  test('agrees with it over a large vocabulary', () => {
    const random = seededRandom(11);
    const values = Array.from({ length: 50_000 }, () => Math.fround(-Math.log(random()) * 3));
    for (const options of [
      { ...off, topP: 0.9 },
      { ...off, topK: 1000, topP: 0.5 },
      { ...off, temperature: 3, topP: 0.999 },
      { ...off, topK: 40_000 },
      { ...off, minP: 0.05 },
    ]) {
      expectSame(probabilities(Float32Array.from(values), options), naive(values, options).shares);
    }
  });

  test.each([
    ['all of four equals', off, [0.25, 0.25, 0.25, 0.25]],
    ['topP on the border takes no more than it needs', { ...off, topP: 0.5 }, [0.5, 0.5]],
    ['topP just above the border takes one more', { ...off, topP: 0.500001 }, [1 / 3, 1 / 3, 1 / 3]],
    ['topP 0 keeps one', { ...off, topP: 0 }, [1]],
    ['topK among equals keeps the lower ids', { ...off, topK: 3 }, [1 / 3, 1 / 3, 1 / 3]],
    ['topK above the vocabulary keeps all', { ...off, topK: 9 }, [0.25, 0.25, 0.25, 0.25]],
    ['minP 1 keeps all that equal the best', { ...off, minP: 1 }, [0.25, 0.25, 0.25, 0.25]],
  ])('%s', (_, options, expected) => {
    const { tokenIds, probabilities: shares } = probabilities(new Float32Array([2, 2, 2, 2]), options);
    expect([...tokenIds]).toEqual(expected.map((_share, id) => id));
    for (const [index, share] of shares.entries())
      expect(share).toBeCloseTo(expected[index] ?? Number.NaN, 12);
  });

  test('stages work on what the one before left: topP counts within topK', () => {
    // 0.4, 0.3, 0.2, 0.1; the best two renormalised are 4/7 and 3/7, and 4/7 reaches 0.5.
    const values = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log);
    expect([...probabilities(values, { ...off, topK: 2, topP: 0.5 }).tokenIds]).toEqual([0]);
    expect([...probabilities(values, { ...off, topP: 0.5 }).tokenIds]).toEqual([0, 1]);
  });

  test('a token of probability zero stays at zero', () => {
    const { probabilities: shares } = probabilities(new Float32Array([-Infinity, 0]), off);
    expect([...shares]).toEqual([0, 1]);
  });
});

describe('draw', () => {
  const of = (shares: readonly number[]): Distribution => ({
    tokenIds: Int32Array.from(shares, (_, index) => 10 + index),
    probabilities: Float64Array.from(shares),
  });

  test('each token has its share of the points from 0 to 1', () => {
    const distribution = of([0, 0.25, 0, 0.5, 0.25]);
    const points = [0, 0.2499, 0.25, 0.7499, 0.75, 0.9999];
    expect(points.map((point) => draw(distribution, point))).toEqual([11, 11, 13, 13, 14, 14]);
  });

  test('a sum that rounding left below 1 ends with the last token that has a share', () => {
    expect(draw(of([0.5, 0.4, 0]), 0.99)).toBe(11);
  });
});
