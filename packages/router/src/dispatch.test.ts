import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combine, planDispatch } from './dispatch.js';
import type { Routing } from './types.js';

const routing = (
  expertsPerToken: number,
  indices: number[],
  weights: number[] = indices.map(() => 1),
): Routing => ({
  tokens: indices.length / expertsPerToken,
  expertsPerToken,
  expertIndices: Int32Array.from(indices),
  expertWeights: Float32Array.from(weights),
});

const routings = fc
  .record({
    experts: fc.integer({ min: 1, max: 12 }),
    perToken: fc.integer({ min: 1, max: 4 }),
    tokens: fc.integer({ min: 0, max: 30 }),
  })
  .chain(({ experts, perToken, tokens }) => {
    const assignments = { minLength: tokens * perToken, maxLength: tokens * perToken };
    return fc.record({
      experts: fc.constant(experts),
      chosen: fc
        .tuple(
          fc.array(fc.nat(experts - 1), assignments),
          fc.array(fc.float({ min: -2, max: 2, noNaN: true }), assignments),
        )
        .map(([indices, weights]) => routing(perToken, indices, weights)),
    });
  });

describe('planDispatch', () => {
  test('hand values: 3 tokens, 2 of 4 experts, one that no token reaches', () => {
    const plan = planDispatch(routing(2, [3, 0, 0, 1, 3, 1]), 4);
    expect([...plan.offsets]).toEqual([0, 2, 4, 4, 6]);
    expect([...plan.tokenOfAssignment]).toEqual([0, 1, 1, 2, 0, 2]);
    expect([...plan.sortedAssignment]).toEqual([4, 0, 1, 2, 5, 3]);
  });

  test('laws: sorted by expert, inside by token; sortedAssignment is a permutation that leads there', () => {
    fc.assert(
      fc.property(routings, ({ experts, chosen }) => {
        const { offsets, tokenOfAssignment, sortedAssignment } = planDispatch(chosen, experts);
        const assignments = chosen.expertIndices.length;
        expect(offsets[0]).toBe(0);
        expect(offsets[experts]).toBe(assignments);
        expect([...sortedAssignment].sort((a, b) => a - b)).toEqual(
          Array.from({ length: assignments }, (_, i) => i),
        );
        for (let assignment = 0; assignment < assignments; assignment++) {
          const expert = chosen.expertIndices[assignment] as number;
          const sorted = sortedAssignment[assignment] as number;
          expect(sorted).toBeGreaterThanOrEqual(offsets[expert] as number);
          expect(sorted).toBeLessThan(offsets[expert + 1] as number);
          expect(tokenOfAssignment[sorted]).toBe(Math.floor(assignment / chosen.expertsPerToken));
        }
        for (let e = 0; e < experts; e++) {
          const own = [...tokenOfAssignment.slice(offsets[e], offsets[e + 1])];
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test.each([-1, 4])('refuses expert %i of 4', (expert) => {
    expect(() => planDispatch(routing(1, [0, expert]), 4)).toThrow(
      `expertIndices: cannot plan the dispatch: expected indices from 0 to 3, found ${expert}`,
    );
  });

  test('refuses a routing of another length', () => {
    expect(() => planDispatch({ ...routing(2, [0, 1]), tokens: 2 }, 4)).toThrow(/2 x 2 indices, found 2/);
  });
});

describe('combine', () => {
  test('hand values: two tokens, two experts each, D = 2', () => {
    const chosen = routing(2, [1, 0, 0, 1], [0.75, 0.25, 1, -2]);
    const plan = planDispatch(chosen, 2);
    const outputs = Float32Array.of(10, 20, 30, 40, 1, 2, 3, 4); // expert 0: tokens 0, 1; expert 1: tokens 0, 1
    expect([...combine(outputs, chosen, plan, 2)]).toEqual([3.25, 6.5, 24, 32]);
  });

  test('law: what identity experts return is the token times the sum of its weights', () => {
    fc.assert(
      fc.property(routings, fc.integer({ min: 1, max: 5 }), ({ experts, chosen }, hidden) => {
        const plan = planDispatch(chosen, experts);
        const x = Float64Array.from({ length: chosen.tokens * hidden }, (_, i) => Math.sin(i + 1));
        const sorted = Float32Array.from({ length: plan.tokenOfAssignment.length * hidden }, (_, i) => {
          const token = plan.tokenOfAssignment[Math.floor(i / hidden)] as number;
          return x[token * hidden + (i % hidden)] as number;
        });
        const out = new Float32Array(x.length).fill(7);
        expect(combine(sorted, chosen, plan, hidden, out)).toBe(out);
        out.forEach((value, i) => {
          const token = Math.floor(i / hidden);
          const weights = chosen.expertWeights.slice(
            token * chosen.expertsPerToken,
            (token + 1) * chosen.expertsPerToken,
          );
          const expected = weights.reduce((sum, weight) => sum + weight * (x[i] as number), 0);
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-5);
        });
      }),
    );
  });

  test('refuses lengths that disagree', () => {
    const chosen = routing(2, [1, 0, 0, 1]);
    const plan = planDispatch(chosen, 2);
    expect(() => combine(new Float32Array(7), chosen, plan, 2)).toThrow(/expertOutputs.*expected 8/);
    expect(() => combine(new Float32Array(8), chosen, plan, 2, new Float32Array(3))).toThrow(
      /out.*expected 4/,
    );
    expect(() =>
      combine(new Float32Array(8), { ...chosen, expertWeights: new Float32Array(1) }, plan, 2),
    ).toThrow(/expertWeights.*expected 4 numbers, found 1$/);
  });
});
