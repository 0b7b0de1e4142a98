// The pages of one sequence in one cache group, in order. Those that lie wholly before a window are given back: the table
// begins with -1 for each of them, then every page is held.
import type { Segment } from '@moeq/kernels';
import { deadPages } from './cache-groups.js';
import { type CacheTable, givenBack } from './cache-table.js';
import type { PageAllocator } from './page-allocator.js';

export class PageTable implements CacheTable {
  readonly #allocator: PageAllocator;
  readonly #window: number | null;
  /** `givenBack` up to #first. */
  #pages: number[] = [];
  #first = 0;

  /** @param window tokens that a token sees; null: all, and no page is given back */
  constructor(allocator: PageAllocator, window: number | null) {
    this.#allocator = allocator;
    this.#window = window;
  }

  get held(): number {
    return this.#pages.length - this.#first;
  }

  at(index: number): number {
    return this.#pages[index] ?? givenBack;
  }

  runBefore(index: number): number {
    return index - this.#first;
  }

  missing(length: number): number {
    return Math.max(0, this.#allocator.pagesFor(length) - this.#pages.length);
  }

  reserve(length: number): void {
    const missing = this.missing(length);
    if (missing > 0) this.#pages.push(...this.#allocator.allocate(missing));
  }

  segment(start: number, tokens: number, rotation: Pick<Segment, 'inverseFrequencies'>): Segment {
    return { pages: Int32Array.from(this.#pages), start, tokens, ...rotation };
  }

  advance(): void {}

  trim(length: number): void {
    const dead = Math.min(this.#deadBefore(length), this.#pages.length);
    if (dead <= this.#first) return;
    this.#allocator.release(this.#pages.slice(this.#first, dead));
    this.#pages.fill(givenBack, this.#first, dead);
    this.#first = dead;
  }

  /**
   * The longest length up to `length` at which the sequence could go on: all that the next token sees is held, and no page
   * that others own too would be written to.
   */
  restorable(length: number): number {
    const { pageSize } = this.#allocator;
    const last = this.#pages[Math.floor(length / pageSize)];
    const isShared = length % pageSize !== 0 && last !== undefined && this.#allocator.owners(last) > 1;
    const own = isShared ? length - (length % pageSize) : length;
    return this.#deadBefore(own) >= this.#first ? own : 0;
  }

  cut(length: number): void {
    if (length === 0) {
      this.#allocator.release(this.#pages.slice(this.#first));
      this.#pages = [];
      this.#first = 0;
      return;
    }
    this.#allocator.release(this.#pages.splice(this.#allocator.pagesFor(length)));
  }

  adopt(pages: readonly number[]): void {
    const gap = pages.lastIndexOf(givenBack) + 1;
    if (gap > 0) {
      this.#allocator.release(this.#pages.slice(this.#first));
      this.#pages.fill(givenBack);
      this.#first = this.#pages.length + gap;
    }
    this.#pages.push(...pages);
  }

  exchange(index: number, page: number): void {
    this.#allocator.release(this.#pages.splice(index, 1, page));
  }

  #deadBefore(length: number): number {
    return deadPages(length, this.#window, this.#allocator.pageSize);
  }
}
