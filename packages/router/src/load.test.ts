import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expertLoad, loadStatistics, mergeExpertLoads } from './load.js';
import type { Routing } from './types.js';

const routing = (expertsPerToken: number, indices: number[]): Routing => ({
  tokens: indices.length / expertsPerToken,
  expertsPerToken,
  expertIndices: Int32Array.from(indices),
  expertWeights: new Float32Array(indices.length),
});

describe('load', () => {
  test('hand values: 3 tokens, 2 of 4 experts', () => {
    const load = expertLoad(routing(2, [0, 1, 0, 1, 0, 3]), 4);
    expect(load).toEqual({ tokens: 3, counts: Float64Array.of(3, 2, 0, 1) });
    const statistics = loadStatistics(load);
    expect([...statistics.share]).toEqual([3 / 6, 2 / 6, 0, 1 / 6]);
    expect(statistics.entropy).toBeCloseTo(1.0114042647, 9); // ln 2 / 2 + ln 3 / 3 + ln 6 / 6
    expect(statistics.effectiveExperts).toBeCloseTo(2.7494594, 6);
    expect(statistics.imbalance).toBe(2);
    expect(statistics.coefficientOfVariation).toBeCloseTo(Math.sqrt(1.25) / 1.5, 12);
    expect(statistics.unused).toBe(1);
  });

  test('even, one for all, and nothing at all', () => {
    const even = loadStatistics(expertLoad(routing(1, [0, 1, 2, 3]), 4));
    expect(even).toMatchObject({ imbalance: 1, coefficientOfVariation: 0, unused: 0 });
    expect(even.effectiveExperts).toBeCloseTo(4, 12);
    const one = loadStatistics(expertLoad(routing(1, [2, 2, 2]), 4));
    expect(one).toMatchObject({ entropy: 0, effectiveExperts: 1, imbalance: 4, unused: 3 });
    expect(one.coefficientOfVariation).toBeCloseTo(Math.sqrt(3), 12);
    const none = loadStatistics(expertLoad(routing(1, []), 4));
    expect(none).toMatchObject({ effectiveExperts: 4, imbalance: 1, coefficientOfVariation: 0, unused: 4 });
    expect([...none.share]).toEqual([0, 0, 0, 0]);
  });

  test('law: merging batches is counting them together', () => {
    const batches = fc.array(fc.array(fc.nat(6), { maxLength: 20 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(batches, (each) => {
        const merged = mergeExpertLoads(each.map((indices) => expertLoad(routing(1, indices), 7)));
        expect(merged).toEqual(expertLoad(routing(1, each.flat()), 7));
      }),
    );
  });

  test('refuses experts out of range, no loads, and loads of different sizes', () => {
    expect(() => expertLoad(routing(1, [4]), 4)).toThrow(/indices from 0 to 3, found 4$/);
    expect(() => mergeExpertLoads([])).toThrow(/found none/);
    expect(() => mergeExpertLoads([expertLoad(routing(1, [0]), 2), expertLoad(routing(1, [0]), 3)])).toThrow(
      /found 2, 3/,
    );
  });
});
