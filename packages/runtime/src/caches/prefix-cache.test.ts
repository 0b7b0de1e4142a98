import { describe, expect, test } from 'vitest';
import { cacheNeeds } from '../decoder/layer-needs.js';
import { type Kept, keepingConfig } from '../testkit/cached-model.js';
import { cacheGroups } from './cache-groups.js';
import { CachePool } from './cache-pool.js';
import { PrefixCache } from './prefix-cache.js';
import { Sequence } from './sequence.js';

const pageSize = 4;

/** A pool with as many pages or slots for each group; nothing computes here. */
function poolOf(layers: readonly Kept[], pages: readonly number[]) {
  const groups = cacheGroups(cacheNeeds(keepingConfig(layers)), { tokens: 128, chunk: 16 }).map(
    (group, index) => ({
      ...group,
      pageSize,
      pages: pages[index] ?? 0,
    }),
  );
  const pool = new CachePool(groups);
  return { pool, prefixes: new PrefixCache(pool) };
}

function feed(sequence: Sequence, count: number, prefixes: PrefixCache): void {
  sequence.segments(count);
  sequence.advance(count);
  prefixes.record(sequence);
}

const tokens = Array.from({ length: 33 }, (_, index) => index);

describe('PrefixCache', () => {
  test('a window takes over no more than it sees', () => {
    const { pool, prefixes } = poolOf([6, null], [20, 20]);
    const first = new Sequence(tokens, pool);
    feed(first, 33, prefixes);
    first.release();
    const second = new Sequence(tokens, pool);
    expect(prefixes.adopt(second)).toBe(32);
    // Position 32 sees from 27 on: the last two pages.
    expect(second.tables.map(({ held }) => held)).toEqual([2, 8]);
    expect([0, 1, 2, 3, 4, 5].map((page) => second.tables[0]?.at(page))).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(pool.allocators.map(({ reclaimable }) => reclaimable)).toEqual([6, 0]);
  });

  test('where a window has lost its pages, as much is taken over as it can go on from', () => {
    const { pool, prefixes } = poolOf([6, null], [9, 40]);
    const first = new Sequence(tokens, pool);
    feed(first, 33, prefixes);
    first.trim();
    // `first` holds the pages 7 and 8 of its window; six of the seven before them are taken, the last ones first.
    const other = new Sequence([99, ...tokens.slice(1, 24)], pool);
    feed(other, 24, prefixes);
    expect(pool.allocators.map(({ freePages }) => freePages)).toEqual([0, 25]);
    const second = new Sequence(tokens, pool);
    expect(prefixes.adopt(second)).toBe(4);
    expect(second.tables.map(({ held }) => held)).toEqual([1, 1]);
    // What a sequence used then is kept.
    first.release();
    expect(pool.allocators[0]?.reclaimable).toBe(1);
  });

  test('a window that was lost comes back when it is computed again', () => {
    const { pool, prefixes } = poolOf([6, null], [9, 40]);
    const first = new Sequence(tokens, pool);
    feed(first, 33, prefixes);
    first.trim();
    const other = new Sequence([99, ...tokens.slice(1, 24)], pool);
    feed(other, 24, prefixes);
    for (const each of [first, other]) each.release();
    const short = new Sequence(tokens.slice(0, 13), pool);
    expect(prefixes.adopt(short)).toBe(4);
    feed(short, 9, prefixes);
    short.release();
    const again = new Sequence(tokens.slice(0, 13), pool);
    expect(prefixes.adopt(again)).toBe(12);
  });

  test('after a cut other tokens become another branch', () => {
    const { pool, prefixes } = poolOf([null], [20]);
    const sequence = new Sequence(tokens, pool);
    feed(sequence, 33, prefixes);
    sequence.cut(10);
    // The third page is shared with the trie, and is not written to.
    expect(sequence.cached).toBe(8);
    sequence.tokens.push(50, 51, 52, 53, 54);
    feed(sequence, 7, prefixes);
    expect(prefixes.size).toBe(9);
    const [old, branch] = [tokens, sequence.tokens].map((each) => {
      const other = new Sequence(each, pool);
      return prefixes.adopt(other);
    });
    expect([old, branch]).toEqual([32, 12]);
  });

  test('states are taken over where a step has ended at a page, and no deeper', () => {
    const { pool, prefixes } = poolOf([{ taps: 3 }, null], [12, 40]);
    const first = new Sequence(tokens, pool);
    for (const count of [8, 7, 5, 13]) feed(first, count, prefixes);
    first.release();
    expect(prefixes.size).toBe(8);
    const second = new Sequence(tokens, pool);
    // States after 8 and 20 tokens lie at page ends, those after 15 and 33 do not.
    expect(prefixes.adopt(second)).toBe(20);
    expect(second.tables.map(({ held }) => held)).toEqual([1, 5]);
    expect(second.segments(13)[0]).toMatchObject({ from: second.tables[0]?.at(4), tokens: 13 });
    const other = new Sequence([...tokens.slice(0, 17), 99, 99, 99, 99], pool);
    expect(prefixes.adopt(other)).toBe(8);
  });

  test('states that no sequence uses make room, those used longest ago first', () => {
    const { pool, prefixes } = poolOf([{ taps: 3 }, null], [4, 40]);
    const first = new Sequence(tokens, pool);
    for (const count of [8, 8, 8]) feed(first, count, prefixes);
    first.release();
    expect(pool.allocators[0]?.reclaimable).toBe(3);
    const other = new Sequence([50, 51, 52, 53, 54], pool);
    feed(other, 4, prefixes);
    feed(other, 1, prefixes);
    const second = new Sequence(tokens, pool);
    // The branch's end was used longest ago.
    expect(prefixes.adopt(second)).toBe(16);
    for (const each of [other, second]) each.release();
    prefixes.clear();
    expect(pool.total(({ freePages }) => freePages)).toBe(44);
  });
});
