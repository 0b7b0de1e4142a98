// Who owns which page of a cache group. Pages are counted references, so that sequences with a common prefix can own the
// same full pages and memory comes back when the last of them is released (vLLM's PagedAttention, arXiv 2309.06180).
// Pages that are kept for later sequences have one reference more; those that nothing else uses can be reclaimed.
// States are the same in slots, each of which counts as a page.
// Pure bookkeeping: the numbers themselves lie in the backend.
import { counted, MoeqError } from '@moeq/tensors';

export class PageAllocator {
  readonly pages: number;
  /** Tokens a page. */
  readonly pageSize: number;
  readonly #kind: 'kv' | 'state';
  readonly #references: Uint32Array;
  /** 1 where a reference is that of `keep`. */
  readonly #isKept: Uint8Array;
  #reclaimable = 0;
  /** A stack: the page freed last is used next, while it may still be in a processor's cache. */
  readonly #free: number[];
  #reclaim: (count: number) => void = () => undefined;

  /** @param kind for messages */
  constructor(pages: number, pageSize: number, kind: 'kv' | 'state' = 'kv') {
    this.#kind = kind;
    this.pages = pages;
    this.pageSize = pageSize;
    this.#references = new Uint32Array(pages);
    this.#isKept = new Uint8Array(pages);
    this.#free = Array.from({ length: pages }, (_, index) => pages - 1 - index);
  }

  get freePages(): number {
    return this.#free.length;
  }

  /** Pages that are kept and that no sequence uses. */
  get reclaimable(): number {
    return this.#reclaimable;
  }

  /** Pages that can be allocated now. */
  get available(): number {
    return this.#free.length + this.#reclaimable;
  }

  /** References to a page; 0 where it is free. */
  owners(page: number): number {
    return this.#references[page] ?? 0;
  }

  /** Asked to `drop` at least `count` reclaimable pages where an allocation is short of them. */
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
      if (this.#kind === 'state') throw noSlot(this.pages);
      throw new MoeqError({
        operation: `hold ${count * this.pageSize} more tokens`,
        subject: 'the KV cache',
        expected: `${counted(count, 'free page')} of ${counted(this.pageSize, 'token')} (a larger kvCacheTokens, or fewer sequences at a time)`,
        found: `${this.#free.length} of ${this.pages} free`,
      });
    }
    const taken = this.#free.splice(this.#free.length - count).reverse();
    for (const page of taken) this.#references[page] = 1;
    return taken;
  }

  /** One more owner for each page. @throws MoeqError for a page that is free or does not exist */
  share(pages: readonly number[]): void {
    for (const page of pages) this.#change(page, 1, 'share');
  }

  /** One owner fewer; a page without any is free. @throws MoeqError for a page that is free or does not exist */
  release(pages: readonly number[]): void {
    for (const page of pages) this.#change(page, -1, 'release');
  }

  /** Keeps a page beyond its owners. @throws MoeqError for a page that is free or does not exist */
  keep(page: number): void {
    this.#change(page, 1, 'keep');
    this.#isKept[page] = 1;
  }

  /** Ends `keep`. @throws MoeqError for a page that is free or does not exist */
  drop(page: number): void {
    if (this.#isKept[page] === 1 && this.owners(page) === 1) this.#reclaimable -= 1;
    this.#isKept[page] = 0;
    this.#change(page, -1, 'drop');
  }

  #change(page: number, by: 1 | -1, operation: string): void {
    const before = this.owners(page);
    if (before === 0) throw noOwner(page, operation, this.pages);
    const now = before + by;
    this.#references[page] = now;
    if (now === 0) this.#free.push(page);
    else if (this.#isKept[page] === 1) {
      if (now === 1) this.#reclaimable += 1;
      else if (before === 1) this.#reclaimable -= 1;
    }
  }
}

function noSlot(slots: number): MoeqError {
  return new MoeqError({
    operation: 'hold the state of one more step',
    subject: 'the state cache',
    expected: 'a free slot (a larger kvCacheTokens, or fewer sequences at a time)',
    found: `0 of ${slots} free`,
  });
}

function noOwner(page: number, operation: string, pages: number): MoeqError {
  return new MoeqError({
    operation,
    subject: `page ${page} of the KV cache`,
    expected: 'a page in use',
    found: page >= 0 && page < pages ? 'a free page' : `a cache of ${pages} pages`,
  });
}
