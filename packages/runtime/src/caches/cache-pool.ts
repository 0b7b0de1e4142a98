// The room of all cache groups of a model: an allocator for each. A sequence takes room in all of them or in none.
import { type CacheGroup, windowPages } from './cache-groups.js';
import { PageAllocator } from './page-allocator.js';
import { PageTable } from './page-table.js';

/** Pages, one number a group. */
export type PageCounts = readonly number[];

export class CachePool {
  readonly groups: readonly CacheGroup[];
  readonly allocators: readonly PageAllocator[];
  /** Tokens a page, in all groups. */
  readonly pageSize: number;
  #losses = 0;

  /** @param groups at least one */
  constructor(groups: readonly CacheGroup[]) {
    this.groups = groups;
    this.allocators = groups.map(({ spec }) => new PageAllocator(spec.pages, spec.pageSize));
    this.pageSize = Math.max(...groups.map(({ spec }) => spec.pageSize));
  }

  /** How often the contents of all caches were lost. What was taken before holds nothing any more. */
  get losses(): number {
    return this.#losses;
  }

  /** What was in the caches is gone; which sequence owns what is unchanged. */
  lose(): void {
    this.#losses += 1;
  }

  /** What a sequence holds in each group: nothing yet. */
  tables(): PageTable[] {
    return this.groups.map(
      ({ window }, group) => new PageTable(this.allocators[group] as PageAllocator, window),
    );
  }

  /** Whether so many pages of each group can be allocated now. */
  hasRoom(pages: PageCounts): boolean {
    return this.allocators.every(({ available }, group) => (pages[group] as number) <= available);
  }

  /** Pages that a sequence of `length` tokens holds in each group, between two steps. */
  demand(length: number): PageCounts {
    const all = Math.ceil(length / this.pageSize);
    return this.groups.map(({ window }) =>
      window === null ? all : Math.min(all, windowPages(window, this.pageSize)),
    );
  }

  /** Pages of all groups together. */
  total(count: (allocator: PageAllocator) => number): number {
    return this.allocators.reduce((sum, allocator) => sum + count(allocator), 0);
  }
}
