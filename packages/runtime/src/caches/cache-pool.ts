// The room of all cache groups of a model: an allocator for each. A sequence takes room in all of them or in none.
import { type CacheGroup, windowPages } from './cache-groups.js';
import type { CacheTable } from './cache-table.js';
import { PageAllocator } from './page-allocator.js';
import { PageTable } from './page-table.js';
import { StateTable } from './state-table.js';

/** Pages or slots, one number a group. */
export type PageCounts = readonly number[];

export class CachePool {
  readonly groups: readonly CacheGroup[];
  readonly allocators: readonly PageAllocator[];
  /** Tokens a page, in all groups. */
  readonly pageSize: number;
  #losses = 0;

  constructor(groups: readonly CacheGroup[]) {
    this.groups = groups;
    this.allocators = groups.map((group) => new PageAllocator(group.pages, group.pageSize, group.kind));
    this.pageSize = Math.max(1, ...groups.map(({ pageSize }) => pageSize));
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
  tables(): CacheTable[] {
    return this.groups.map((group, index) => {
      const allocator = this.allocators[index] as PageAllocator;
      return group.kind === 'state' ? new StateTable(allocator) : new PageTable(allocator, group.window);
    });
  }

  /** Whether a sequence can be gone back to, and be shared, only where a step has ended. */
  get hasStates(): boolean {
    return this.groups.some(({ kind }) => kind === 'state');
  }

  /** Whether so many pages of each group can be allocated now. */
  hasRoom(pages: PageCounts): boolean {
    return this.allocators.every(({ available }, group) => (pages[group] as number) <= available);
  }

  /** Pages that a sequence of `length` tokens holds in each group, between two steps. */
  demand(length: number): PageCounts {
    const all = Math.ceil(length / this.pageSize);
    return this.groups.map((group) => {
      if (group.kind === 'state') return Math.min(all, 1);
      return group.window === null ? all : Math.min(all, windowPages(group.window, this.pageSize));
    });
  }

  /** Pages of all groups together, or of those of a kind. */
  total(count: (allocator: PageAllocator) => number, kind?: CacheGroup['kind']): number {
    return this.allocators.reduce((sum, allocator, group) => {
      return kind === undefined || this.groups[group]?.kind === kind ? sum + count(allocator) : sum;
    }, 0);
  }
}
