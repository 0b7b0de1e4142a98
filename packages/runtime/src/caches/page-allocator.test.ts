import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageAllocator } from './page-allocator.js';

describe('PageAllocator', () => {
  test('hands out each page once until its last owner releases it, whatever the order', () => {
    const action = fc.record({
      kind: fc.constantFrom('allocate', 'share', 'release'),
      pick: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const allocator = new PageAllocator(12, 16);
        const owned: number[][] = [];
        for (const { kind, pick } of actions) {
          const group = owned[pick % Math.max(1, owned.length)];
          if (kind === 'allocate') {
            const count = pick % 5;
            const free = 12 - new Set(owned.flat()).size;
            expect(allocator.freePages).toBe(free);
            if (count > free) {
              expect(() => allocator.allocate(count)).toThrow(`found ${free} of 12 free`);
              continue;
            }
            const pages = allocator.allocate(count);
            expect(pages.some((page) => owned.flat().includes(page))).toBe(false);
            owned.push(pages);
          } else if (group !== undefined && kind === 'share') {
            allocator.share(group);
            owned.push([...group]);
          } else if (group !== undefined) {
            allocator.release(group);
            owned.splice(owned.indexOf(group), 1);
          }
        }
        for (const pages of owned) allocator.release(pages);
        expect(allocator.freePages).toBe(12);
        expect(allocator.allocate(12).toSorted((a, b) => a - b)).toEqual(
          Array.from({ length: 12 }, (_, page) => page),
        );
      }),
    );
  });

  test('counts what is kept and not used, whatever the order, and reclaims it', () => {
    const action = fc.record({
      kind: fc.constantFrom('allocate', 'share', 'release', 'keep', 'drop'),
      pick: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const allocator = new PageAllocator(6, 16);
        const kept = new Set<number>();
        const owned: number[] = [];
        allocator.reclaimFrom((count) => {
          for (const page of [...kept].filter((each) => !owned.includes(each)).slice(0, count)) {
            kept.delete(page);
            allocator.drop(page);
          }
        });
        for (const { kind, pick } of actions) {
          const page = owned[pick % Math.max(1, owned.length)];
          if (kind === 'allocate' && allocator.available > 0) owned.push(...allocator.allocate(1));
          else if (kind === 'drop' && kept.size > 0) {
            const [oldest] = kept;
            kept.delete(oldest as number);
            allocator.drop(oldest as number);
          } else if (page !== undefined && kind === 'share') {
            allocator.share([page]);
            owned.push(page);
          } else if (page !== undefined && kind === 'keep' && !kept.has(page)) {
            allocator.keep(page);
            kept.add(page);
          } else if (page !== undefined && kind === 'release') {
            allocator.release([page]);
            owned.splice(owned.indexOf(page), 1);
          }
          const unused = [...kept].filter((each) => !owned.includes(each)).length;
          const used = new Set([...owned, ...kept]).size;
          expect([allocator.reclaimable, allocator.freePages, allocator.available]).toEqual([
            unused,
            6 - used,
            6 - used + unused,
          ]);
        }
      }),
    );
  });

  test('counts the pages of tokens', () => {
    const allocator = new PageAllocator(4, 16);
    expect([0, 1, 16, 17, 64].map((tokens) => allocator.pagesFor(tokens))).toEqual([0, 1, 1, 2, 4]);
  });

  test.each([
    ['a free page', 1],
    ['a cache of 2 pages', 7],
  ])('releasing or sharing %s is an error', (found, page) => {
    const allocator = new PageAllocator(2, 16);
    expect(() => allocator.release([page])).toThrow(
      `page ${page} of the KV cache: cannot release: expected a page in use, found ${found}`,
    );
    expect(() => allocator.share([page])).toThrow(found);
  });
});
