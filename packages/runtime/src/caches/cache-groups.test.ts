import { describe, expect, test } from 'vitest';
import { cacheNeeds } from '../decoder/mixers.js';
import { windowedConfig } from '../testkit/cached-model.js';
import { cacheGroups, layerGroup } from './cache-groups.js';

const sizes = { tokens: 32_768, chunk: 256 };

describe('cacheGroups', () => {
  test('layers with the same window share a cache, in the order of the first of each', () => {
    const groups = cacheGroups(cacheNeeds(windowedConfig([128, null, 128, null, 20], 32_768)), sizes);
    expect(groups.map(({ window, layers, spec }) => [window, layers, spec.layers])).toEqual([
      [128, [0, 2], 2],
      [null, [1, 3], 2],
      [20, [4], 1],
    ]);
  });

  test('layers with other heads have a cache of their own', () => {
    const needs = [2, 4, 2].map((kvHeads) => ({ kind: 'kv' as const, kvHeads, headDim: 6, window: null }));
    expect(cacheGroups(needs, sizes).map(({ layers, spec }) => [layers, spec.kvHeads])).toEqual([
      [[0, 2], 2],
      [[1], 4],
    ]);
  });

  test('a window takes the pages of 32 sequences and of a step, and no more than all tokens would', () => {
    const pages = (tokens: number) =>
      cacheGroups(cacheNeeds(windowedConfig([128, null, 20], 32_768)), { tokens, chunk: 256 }).map(
        ({ spec }) => spec.pages,
      );
    expect(pages(32_768)).toEqual([32 * 9 + 16, 2048, 32 * 3 + 16]);
    expect(pages(1600)).toEqual([100, 100, 100]);
  });

  test('a window as long as the context keeps all', () => {
    const needs = cacheNeeds(windowedConfig([128, 127, null], 128));
    expect(needs.map(({ window }) => window)).toEqual([null, 127, null]);
  });

  test('one layer alone has room for one sequence', () => {
    const [windowed, full] = cacheNeeds(windowedConfig([128, null], 32_768));
    expect([windowed, full].map((need) => need && layerGroup(need, sizes).spec.pages)).toEqual([
      9 + 16,
      2048,
    ]);
  });
});
