import { MoeqError } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { validateRouteSpec } from './spec.js';
import type { RouteSpec } from './types.js';

const good: RouteSpec = {
  experts: 16,
  expertsPerToken: 4,
  score: 'sigmoid',
  normalizeTopK: true,
  normalizeEpsilon: 1e-20,
  scalingFactor: 2.5,
  groups: { count: 4, kept: 2, rank: 'topTwoSum' },
};

describe('validateRouteSpec', () => {
  test('accepts what models use', () => {
    const { groups, normalizeEpsilon, scalingFactor, ...least } = good;
    expect(() => validateRouteSpec(good)).not.toThrow();
    expect(() => validateRouteSpec(least)).not.toThrow();
    expect(() => validateRouteSpec({ ...least, experts: 1, expertsPerToken: 1 })).not.toThrow();
  });

  test.each([
    [{ experts: 0 }, /experts to be a positive integer, found "0"/],
    [{ experts: 7.5 }, /experts/],
    [{ expertsPerToken: 17 }, /expertsPerToken from 1 to the 16 experts/],
    [{ expertsPerToken: 0 }, /expertsPerToken/],
    [{ score: 'softMax' }, /softmax, softmaxAfterTopK, sigmoid, sparseMixer, found "softMax"/],
    [{ score: 'sparseMixer' }, /jitter of at least 0/],
    [{ score: 'sparseMixer', jitter: -0.1 }, /jitter of at least 0, found "-0.1"/],
    [{ jitter: 0.1 }, /no jitter for/],
    [{ normalizeTopK: 1 }, /normalizeTopK/],
    [{ normalizeEpsilon: -1 }, /normalizeEpsilon/],
    [{ scalingFactor: Number.NaN }, /scalingFactor/],
    [{ topK: 2 }, /found "topK"/],
    [{ groups: { count: 3, kept: 1, rank: 'max' } }, /groups.count to divide/],
    [{ groups: { count: 4, kept: 5, rank: 'max' } }, /groups.kept/],
    [{ groups: { count: 4, kept: 1, rank: 'sum' } }, /groups.rank/],
    [{ groups: { count: 16, kept: 4, rank: 'topTwoSum' } }, /at least 2 experts/],
    [{ groups: { count: 8, kept: 1, rank: 'max' } }, /at least the 4 experts of a token, found "2"/],
    [{ groups: { count: 4, kept: 2, rank: 'max', size: 4 } }, /found "size"/],
  ])('refuses %j', (change, message) => {
    const spec = { ...good, ...change } as RouteSpec;
    expect(() => validateRouteSpec(spec, 'config.json')).toThrow(message);
    try {
      validateRouteSpec(spec, 'config.json');
    } catch (error) {
      expect(MoeqError.isInstance(error) && error.subject).toBe('config.json');
    }
  });
});
