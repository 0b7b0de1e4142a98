import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { route } from './route.js';
import type { RouteSpec } from './types.js';

const softmax: RouteSpec = { experts: 4, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };

/** The formulas in float64: everything scored, everything sorted. */
function naive(logits: readonly number[], spec: RouteSpec, bias: readonly number[] = []) {
  const { experts, expertsPerToken, score, groups = { count: 1, kept: 1, rank: 'max' } } = spec;
  const soften = (values: readonly number[]) => {
    const max = Math.max(...values);
    const sum = values.reduce((total, value) => total + Math.exp(value - max), 0);
    return values.map((value) => Math.exp(value - max) / sum);
  };
  const scores = {
    softmax: soften(logits),
    sigmoid: logits.map((logit) => 1 / (1 + Math.exp(-logit))),
    softmaxAfterTopK: [...logits],
    sparseMixer: [...logits],
  }[score];
  const entries = scores.map((value, expert) => ({ expert, value, choice: value + (bias[expert] ?? 0) }));
  const size = experts / groups.count;
  const kept = Array.from({ length: groups.count }, (_, group) => {
    const best = entries
      .slice(group * size, (group + 1) * size)
      .map((entry) => entry.choice)
      .sort((a, b) => b - a);
    return { group, rank: (best[0] ?? 0) + (groups.rank === 'max' ? 0 : (best[1] ?? 0)) };
  })
    .sort((a, b) => b.rank - a.rank || a.group - b.group)
    .slice(0, groups.kept)
    .map(({ group }) => group);
  const chosen = entries
    .filter(({ expert }) => kept.includes(Math.floor(expert / size)))
    .sort((a, b) => b.choice - a.choice || a.expert - b.expert)
    .slice(0, expertsPerToken);
  /** Over logits near the chosen one, without those chosen before. */
  const mixed = (own: number, a: number) => {
    const earlier = chosen.slice(0, a).map((each) => each.expert);
    const near = logits.filter(
      (logit, e) =>
        !earlier.includes(e) && own - logit <= 2 * (spec.jitter ?? 0) * Math.max(Math.abs(logit), own),
    );
    return 1 / near.reduce((sum, logit) => sum + Math.exp(logit - own), 0);
  };
  let weights = chosen.map(({ value }) => value);
  if (score === 'softmaxAfterTopK') weights = soften(weights);
  else if (score === 'sparseMixer') weights = chosen.map(({ value }, a) => mixed(value, a));
  else if (spec.normalizeTopK) {
    const sum = weights.reduce((total, weight) => total + weight, spec.normalizeEpsilon ?? 0);
    weights = weights.map((weight) => weight / sum);
  }
  return {
    experts: chosen.map(({ expert }) => expert),
    weights: weights.map((weight) => weight * (spec.scalingFactor ?? 1)),
  };
}

describe('route: hand values', () => {
  const logits = Float32Array.of(2, 1, 0.5, -1);
  test.each([
    ['softmax', false, [0.60946, 0.224208]],
    ['softmax', true, [0.731059, 0.268941]],
    ['softmaxAfterTopK', false, [0.731059, 0.268941]],
    ['sigmoid', false, [0.880797, 0.731059]],
    ['sigmoid', true, [0.546449, 0.453551]],
  ] as const)('%s, normalized: %s', (score, normalizeTopK, weights) => {
    const routing = route(logits, 1, { ...softmax, score, normalizeTopK });
    expect([...routing.expertIndices]).toEqual([0, 1]);
    weights.map((weight, a) => expect(routing.expertWeights[a]).toBeCloseTo(weight, 6));
  });

  test.each([
    [0.01, [0.505, 1]],
    [0.03, [0.346616, 0.519989]],
  ] as const)('sparse mixer, jitter %s', (jitter, weights) => {
    const near = Float32Array.of(2, 1.98, 1.9, -1);
    const routing = route(near, 1, { ...softmax, score: 'sparseMixer', jitter, normalizeTopK: false });
    expect([...routing.expertIndices]).toEqual([0, 1]);
    weights.map((weight, a) => expect(routing.expertWeights[a]).toBeCloseTo(weight, 5));
  });

  test('a correction bias moves the choice and leaves the weights', () => {
    const spec: RouteSpec = { ...softmax, score: 'sigmoid', normalizeTopK: false };
    const routing = route(logits, 1, spec, Float32Array.of(0, 0, 0, 1));
    expect([...routing.expertIndices]).toEqual([3, 0]);
    expect(routing.expertWeights[0]).toBeCloseTo(1 / (1 + Math.exp(1)), 6);
  });

  test('groups: the best expert of a group that is not kept is not chosen', () => {
    const spec: RouteSpec = {
      experts: 6,
      expertsPerToken: 2,
      score: 'sigmoid',
      normalizeTopK: false,
      groups: { count: 3, kept: 1, rank: 'topTwoSum' },
    };
    expect([...route(Float32Array.of(3, -9, 1, 1, 0, 0), 1, spec).expertIndices]).toEqual([2, 3]);
    const byMax = { ...spec, groups: { count: 3, kept: 1, rank: 'max' } } as const;
    expect([...route(Float32Array.of(3, -9, 1, 1, 0, 0), 1, byMax).expertIndices]).toEqual([0, 1]);
  });

  test('scaling factor and epsilon', () => {
    const spec: RouteSpec = { ...softmax, normalizeEpsilon: 1, scalingFactor: 2.5 };
    const { expertWeights } = route(Float32Array.of(2, 1, 0.5, -1), 1, spec);
    expect(expertWeights[0]).toBeCloseTo((2.5 * 0.60946) / (0.60946 + 0.224208 + 1), 5);
  });

  test('equal scores go to the lower index', () => {
    expect([...route(new Float32Array(8), 2, softmax).expertIndices]).toEqual([0, 1, 0, 1]);
    expect([...route(Float32Array.of(0, 1, 1, 1), 1, softmax).expertIndices]).toEqual([1, 2]);
  });

  test('sigmoids that underflow weigh nothing', () => {
    const spec: RouteSpec = { ...softmax, score: 'sigmoid' };
    expect([...route(new Float32Array(4).fill(-500), 1, spec).expertWeights]).toEqual([0, 0]);
  });

  test('no tokens, no assignments', () => {
    expect(route(new Float32Array(), 0, softmax).expertIndices.length).toBe(0);
  });
});

describe('route: errors', () => {
  test.each([Number.NaN, Infinity, -Infinity])('a logit of %s', (wrong) => {
    expect(() => route(Float32Array.of(0, 1, 2, 3, 4, wrong, 6, 7), 2, softmax)).toThrow(
      /router logits.*index 5/,
    );
  });

  test('lengths', () => {
    expect(() => route(new Float32Array(7), 2, softmax)).toThrow(/expected 8 numbers, found 7/);
    expect(() => route(new Float32Array(8), 2, softmax, new Float32Array(3))).toThrow(
      /correction bias.*expected 4/,
    );
    expect(() => route(new Float32Array(4), 1, softmax, new Float32Array(4).fill(Number.NaN))).toThrow(
      /correction bias/,
    );
  });
});

const specs = fc
  .record({
    groupSize: fc.integer({ min: 2, max: 8 }),
    count: fc.integer({ min: 1, max: 6 }),
    kept: fc.integer({ min: 1, max: 6 }),
    rank: fc.constantFrom('max' as const, 'topTwoSum' as const),
    perToken: fc.integer({ min: 1, max: 8 }),
    score: fc.constantFrom('softmax' as const, 'softmaxAfterTopK' as const, 'sigmoid' as const),
    normalizeTopK: fc.boolean(),
    scalingFactor: fc.constantFrom(1, 2.5, 16),
  })
  .map(({ groupSize, count, kept, rank, perToken, ...rest }): RouteSpec => {
    const held = Math.min(kept, count);
    return {
      ...rest,
      experts: groupSize * count,
      expertsPerToken: Math.min(perToken, held * groupSize),
      groups: { count, kept: held, rank },
    };
  });

/** Logits on a grid of 1/64: equal or far enough apart that float32 keeps their order. */
const cases = specs.chain((spec) =>
  fc.record({
    spec: fc.constant(spec),
    tokens: fc.array(
      fc.array(
        fc.integer({ min: -256, max: 256 }).map((i) => i / 64),
        {
          minLength: spec.experts,
          maxLength: spec.experts,
        },
      ),
      { minLength: 1, maxLength: 4 },
    ),
  }),
);

describe('route: laws', () => {
  test('agrees with the formulas in float64', () => {
    fc.assert(
      fc.property(cases, ({ spec, tokens }) => {
        // Sums of two scores can be closer than float32 tells apart: groups by sums are left to hand values and backends.
        fc.pre(spec.groups?.rank === 'max' || spec.groups?.kept === spec.groups?.count);
        const { expertIndices, expertWeights } = route(Float32Array.from(tokens.flat()), tokens.length, spec);
        const expected = tokens.map((logits) => naive(logits, spec));
        expect([...expertIndices]).toEqual(expected.flatMap(({ experts }) => experts));
        expected
          .flatMap(({ weights }) => weights)
          .forEach((weight, assignment) => {
            expect(Math.abs((expertWeights[assignment] as number) - weight)).toBeLessThanOrEqual(
              1e-6 * Math.abs(weight),
            );
          });
      }),
      { numRuns: 300 },
    );
  });

  test('a sparse mixer agrees with the formulas in float64', () => {
    fc.assert(
      fc.property(cases, ({ spec: { groups: _, ...others }, tokens }) => {
        // no logit of the grid stands at the edge
        const spec: RouteSpec = { ...others, score: 'sparseMixer', jitter: 0.0501 };
        const { expertIndices, expertWeights } = route(Float32Array.from(tokens.flat()), tokens.length, spec);
        const expected = tokens.map((logits) => naive(logits, spec));
        expect([...expertIndices]).toEqual(expected.flatMap(({ experts }) => experts));
        expected
          .flatMap(({ weights }) => weights)
          .forEach((weight, i) => {
            expect(Math.abs((expertWeights[i] as number) - weight)).toBeLessThanOrEqual(1e-6 * weight);
          });
      }),
    );
  });

  test('each token gets different experts, of kept groups only, in falling order of score', () => {
    fc.assert(
      fc.property(cases, ({ spec, tokens }) => {
        const { expertIndices, expertWeights } = route(Float32Array.from(tokens.flat()), tokens.length, spec);
        const size = spec.experts / (spec.groups?.count ?? 1);
        tokens.forEach((_, t) => {
          const assignments = [t * spec.expertsPerToken, (t + 1) * spec.expertsPerToken] as const;
          const chosen = [...expertIndices.slice(...assignments)];
          const weights = [...expertWeights.slice(...assignments)];
          expect(new Set(chosen).size).toBe(spec.expertsPerToken);
          expect(new Set(chosen.map((e) => Math.floor(e / size))).size).toBeLessThanOrEqual(
            spec.groups?.kept ?? 1,
          );
          expect(weights).toEqual(weights.toSorted((a, b) => b - a));
          const sum = weights.reduce((total, weight) => total + weight, 0);
          if (spec.normalizeTopK || spec.score === 'softmaxAfterTopK') {
            expect(sum / (spec.scalingFactor ?? 1)).toBeCloseTo(1, 5);
          }
        });
      }),
    );
  });

  test('tokens do not touch each other', () => {
    fc.assert(
      fc.property(cases, ({ spec, tokens }) => {
        const together = route(Float32Array.from(tokens.flat()), tokens.length, spec);
        const apart = tokens.map((logits) => route(Float32Array.from(logits), 1, spec));
        expect([...together.expertIndices]).toEqual(apart.flatMap((each) => [...each.expertIndices]));
        expect([...together.expertWeights]).toEqual(apart.flatMap((each) => [...each.expertWeights]));
      }),
    );
  });

  test('a correction bias agrees with the formulas in float64', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -64, max: 64 }), fc.integer({ min: -3, max: 3 })), {
          minLength: 3,
          maxLength: 40,
        }),
        (pairs) => {
          const spec: RouteSpec = { ...softmax, experts: pairs.length, expertsPerToken: 3, score: 'sigmoid' };
          const logits = pairs.map(([logit]) => logit / 16);
          const bias = pairs.map(([, step]) => step * 2);
          const routing = route(Float32Array.from(logits), 1, spec, Float32Array.from(bias));
          const expected = naive(logits, spec, bias);
          expect([...routing.expertIndices]).toEqual(expected.experts);
          expected.weights.forEach((weight, a) => {
            expect(Math.abs((routing.expertWeights[a] as number) - weight)).toBeLessThanOrEqual(1e-6);
          });
        },
      ),
    );
  });
});
