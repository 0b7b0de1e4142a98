import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageAllocator } from './page-allocator.js';
import { StateTable } from './state-table.js';

const pageSize = 4;

function tableOf(slots: number) {
  const allocator = new PageAllocator(slots, pageSize, 'state');
  const table = new StateTable(allocator);
  let length = 0;
  return {
    allocator,
    table,
    feed(count: number) {
      table.reserve();
      const segment = table.segment(length, count);
      length += count;
      table.advance(length);
      return segment;
    },
    cut(to: number) {
      length = table.restorable(to);
      table.cut(length);
      return length;
    },
  };
}

describe('StateTable', () => {
  test('a step reads the latest state and never writes to a slot that is held', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 2, max: 30 }),
        (counts, slots) => {
          const { allocator, table, feed } = tableOf(slots);
          let latest = -1;
          for (const count of counts) {
            const { from, to, tokens } = feed(count);
            expect([from, tokens]).toEqual([latest, count]);
            expect(to).not.toBe(from);
            latest = to;
            expect(table.held).toBe(slots - allocator.freePages);
            expect(table.held).toBeLessThanOrEqual(Math.min(5, Math.max(1, Math.floor(slots / 2) + 1)));
          }
          table.cut(0);
          expect(allocator.freePages).toBe(slots);
        },
      ),
    );
  });

  test('with room, it goes back to page ends and to before the last step', () => {
    const { cut, feed } = tableOf(40);
    for (const count of [4, 3, 1, 2, 2, 1, 1]) feed(count); // 4, 7, 8, 10, 12, 13, 14
    expect([cut(14), cut(13), cut(12), cut(11), cut(7), cut(3)]).toEqual([14, 13, 12, 8, 4, 0]);
  });

  test('of many snapshots those near the end lie closer', () => {
    const { table, feed } = tableOf(40);
    for (let i = 0; i < 64; i += 1) feed(pageSize);
    const lengths = new Set(Array.from({ length: 256 }, (_, length) => table.restorable(length + 1)));
    lengths.delete(0);
    expect(lengths.size).toBe(5);
    const sorted = [...lengths].toSorted((a, b) => b - a);
    expect(sorted.slice(0, 2)).toEqual([256, 252]);
    expect(sorted.at(-1)).toBeLessThanOrEqual(192);
  });

  test('where slots are scarce, one state is held, and snapshots are given back', () => {
    const { allocator, table, feed } = tableOf(8);
    for (let i = 0; i < 6; i += 1) feed(pageSize);
    expect(table.held).toBeGreaterThan(1);
    allocator.allocate(allocator.freePages);
    table.trim();
    expect(table.held).toBe(1);
    expect(table.restorable(23)).toBe(0);
  });

  test('without a slot it says so, and holds what it held', () => {
    const { allocator, table, feed } = tableOf(3);
    feed(2);
    allocator.allocate(2);
    expect(() => table.reserve()).toThrow(/the state cache: .*expected a free slot .*found 0 of 3 free/);
    expect(table.held).toBe(1);
  });
});
