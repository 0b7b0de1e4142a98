import { describe, expect, test } from 'vitest';
import { cacheNeeds } from '../decoder/layer-needs.js';
import { keepingConfig } from '../testkit/cached-model.js';
import { type CacheGroup, cacheGroups, kvSpec, layerGroup, stateSpecs } from './cache-groups.js';
import type { CacheNeed } from './layer-cache.js';

const sizes = { tokens: 32_768, chunk: 256 };

const windowOf = (group: CacheGroup | CacheNeed | null) => (group?.kind === 'kv' ? group.window : undefined);
const layersOf = (group: CacheGroup) => (group.kind === 'kv' ? kvSpec(group).layers : undefined);
const headsOf = (group: CacheGroup) => (group.kind === 'kv' ? group.spec.kvHeads : undefined);

describe('cacheGroups', () => {
  test('layers with the same window share a cache, in the order of the first of each', () => {
    const groups = cacheGroups(cacheNeeds(keepingConfig([128, null, 128, null, 20], 32_768)), sizes);
    expect(groups.map((group) => [windowOf(group), group.layers, layersOf(group)])).toEqual([
      [128, [0, 2], 2],
      [null, [1, 3], 2],
      [20, [4], 1],
    ]);
  });

  test('layers with other heads have a cache of their own', () => {
    const needs = [2, 4, 2].map((kvHeads) => ({ kind: 'kv' as const, kvHeads, headDim: 6, window: null }));
    expect(cacheGroups(needs, sizes).map((group) => [group.layers, headsOf(group)])).toEqual([
      [[0, 2], 2],
      [[1], 4],
    ]);
  });

  test('a window takes the pages of 32 sequences and of a step, and no more than all tokens would', () => {
    const pages = (tokens: number) =>
      cacheGroups(cacheNeeds(keepingConfig([128, null, 20], 32_768)), { tokens, chunk: 256 }).map(
        ({ pages: own }) => own,
      );
    expect(pages(32_768)).toEqual([32 * 9 + 16, 2048, 32 * 3 + 16]);
    expect(pages(1600)).toEqual([100, 100, 100]);
  });

  test('a window as long as the context keeps all', () => {
    const needs = cacheNeeds(keepingConfig([128, 127, null], 128));
    expect(needs.map(windowOf)).toEqual([null, 127, null]);
  });

  test('one layer alone has room for one sequence', () => {
    const [windowed, full] = cacheNeeds(keepingConfig([128, null], 32_768));
    expect([windowed, full].map((need) => need && layerGroup(need, sizes).pages)).toEqual([9 + 16, 2048]);
  });

  test('states are apart from keys and values, three slots a sequence, as few as the cache has sequences of 256 tokens', () => {
    const needs = cacheNeeds(keepingConfig([{ taps: 3 }, null, { taps: 3 }, { taps: 4 }], 32_768));
    const states = (tokens: number) =>
      cacheGroups(needs, { tokens, chunk: 256 }).flatMap((group) =>
        group.kind === 'state' ? stateSpecs(group) : [],
      );
    expect(cacheGroups(needs, sizes).map(({ layers }) => layers)).toEqual([[0, 2], [1], [3]]);
    expect(states(4096)).toEqual([
      { parts: 16, size: 2, layers: 2, slots: 48 },
      { parts: 16, size: 3, layers: 1, slots: 48 },
    ]);
    expect(states(1_000_000).map(({ slots }) => slots)).toEqual([96, 96]);
    expect(states(10).map(({ slots }) => slots)).toEqual([3, 3]);
    expect(layerGroup(needs[0] as CacheNeed, sizes).pages).toBe(3);
  });
});
