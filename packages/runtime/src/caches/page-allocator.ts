// Who owns which page of the KV cache. Pages are counted references, so that sequences with a common beginning can own
// the same full pages and memory comes back when the last of them lets go (vLLM's PagedAttention, arXiv 2309.06180).
// Pure bookkeeping: the numbers themselves lie in the backend.
import { counted, MoeqError } from '@moeq/tensors';

/** vLLM's page: a text wastes 8 tokens on average, and common beginnings can be shared in steps of 16. */
export const pageSize = 16;

export class PageAllocator {
  readonly pages: number;
  /** Tokens a page. */
  readonly pageSize: number;
  readonly #references: Uint32Array;
  /** A stack: the page freed last is used next, while it may still be in a processor's cache. */
  readonly #free: number[];
  #reclaim: (count: number) => void = () => undefined;
  #losses = 0;

  constructor(pages: number, pageSize: number) {
    this.pages = pages;
    this.pageSize = pageSize;
    this.#references = new Uint32Array(pages);
    this.#free = Array.from({ length: pages }, (_, index) => pages - 1 - index);
  }

  /** How often the contents of all pages were lost. Pages that were taken before hold nothing any more. */
  get losses(): number {
    return this.#losses;
  }

  /** What was in the pages is gone; who owns which is unchanged. */
  lose(): void {
    this.#losses += 1;
  }

  get freePages(): number {
    return this.#free.length;
  }

  /** Owners of a page; 0 where it is free. */
  owners(page: number): number {
    return this.#references[page] ?? 0;
  }

  /** Asked for `count` more pages before an allocation fails: whoever keeps pages for later can release some. */
  reclaimFrom(reclaim: (count: number) => void): void {
    this.#reclaim = reclaim;
  }

  /** Pages that `tokens` tokens fill, the last one perhaps in part. */
  pagesFor(tokens: number): number {
    return Math.ceil(tokens / this.pageSize);
  }

  /**
   * Pages with one reference each, all or none.
   * @throws MoeqError when fewer are free
   */
  allocate(count: number): number[] {
    if (count > this.#free.length) this.#reclaim(count - this.#free.length);
    if (count > this.#free.length) {
      throw new MoeqError({
        operation: `hold ${count * this.pageSize} more tokens`,
        subject: 'the KV cache',
        expected: `${counted(count, 'free page')} of ${counted(this.pageSize, 'token')} (a larger kvCacheTokens, or fewer texts at a time)`,
        found: `${this.#free.length} of ${this.pages} free`,
      });
    }
    const taken = this.#free.splice(this.#free.length - count).reverse();
    for (const page of taken) this.#references[page] = 1;
    return taken;
  }

  /** One more owner for each page. @throws MoeqError for a page that is free or does not exist */
  share(pages: readonly number[]): void {
    for (const page of pages) this.#references[page] = this.#owners(page, 'share') + 1;
  }

  /** One owner fewer; a page without any is free. @throws MoeqError for a page that is free or does not exist */
  release(pages: readonly number[]): void {
    for (const page of pages) {
      const owners = this.#owners(page, 'release') - 1;
      this.#references[page] = owners;
      if (owners === 0) this.#free.push(page);
    }
  }

  #owners(page: number, operation: string): number {
    const owners = this.#references[page] ?? 0;
    if (owners > 0) return owners;
    throw new MoeqError({
      operation,
      subject: `page ${page} of the KV cache`,
      expected: 'a page in use',
      found: page in this.#references ? 'a free page' : `a cache of ${this.pages} pages`,
    });
  }
}
