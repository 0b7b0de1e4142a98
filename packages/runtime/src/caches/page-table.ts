// The pages of one sequence in one cache group, in order. Those that lie wholly before a window are given back: the table
// begins with -1 for each of them, then every page is held.
import { deadPages } from './cache-groups.js';
import type { PageAllocator } from './page-allocator.js';

/** A page that is not held any more. */
export const givenBack = -1;

export class PageTable {
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

  /** In order, `givenBack` where one is not held any more; perhaps with room for more tokens than there are. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  get held(): number {
    return this.#pages.length - this.#first;
  }

  /** Pages that `reserve(length)` would take. */
  missing(length: number): number {
    return Math.max(0, this.#allocator.pagesFor(length) - this.#pages.length);
  }

  /** Takes pages until the first `length` tokens have room. @throws MoeqError when there are none */
  reserve(length: number): void {
    const missing = this.missing(length);
    if (missing > 0) this.#pages.push(...this.#allocator.allocate(missing));
  }

  /** Gives the pages back that no token from position `length` on sees. */
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

  /** Gives back the pages of the tokens from position `length` on, which is restorable. */
  cut(length: number): void {
    if (length === 0) {
      this.#allocator.release(this.#pages.slice(this.#first));
      this.#pages = [];
      this.#first = 0;
      return;
    }
    this.#allocator.release(this.#pages.splice(this.#allocator.pagesFor(length)));
  }

  /** Takes over pages behind its own, full ones, with a reference to each; `givenBack` first for those that no token sees. */
  adopt(pages: readonly number[]): void {
    const gap = pages.lastIndexOf(givenBack) + 1;
    if (gap > 0) {
      this.#allocator.release(this.#pages.slice(this.#first));
      this.#pages.fill(givenBack);
      this.#first = this.#pages.length + gap;
    }
    this.#pages.push(...pages);
  }

  /** Gives the page at `index` up for another with the same contents, with a reference to it. */
  exchange(index: number, page: number): void {
    this.#allocator.release(this.#pages.splice(index, 1, page));
  }

  #deadBefore(length: number): number {
    return deadPages(length, this.#window, this.#allocator.pageSize);
  }
}
