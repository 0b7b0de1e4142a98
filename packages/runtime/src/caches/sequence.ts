// One text in the making: all its tokens, and how many of them the KV cache holds. Whatever is not cached yet is what the
// next steps feed: the chunks of a prompt, the token sampled last, or everything again after the pages were given up, or
// what they held was lost.
import type { Segment } from '@moeq/kernels';
import type { LengthRotation } from '../decoder/rope-frequencies.js';
import type { PageAllocator } from './page-allocator.js';

export class Sequence {
  /** Prompt and generated tokens. */
  readonly tokens: number[];
  readonly #allocator: PageAllocator;
  #pages: number[] = [];
  #cached = 0;
  /** Of the allocator, when the first page was taken. */
  #losses: number;
  readonly #rotation: LengthRotation | null;
  readonly #promptTokens: number;

  /** @param rotation where it depends on the length of a sequence */
  constructor(tokens: Iterable<number>, allocator: PageAllocator, rotation: LengthRotation | null = null) {
    this.tokens = [...tokens];
    this.#allocator = allocator;
    this.#rotation = rotation;
    this.#promptTokens = this.tokens.length;
    this.#losses = allocator.losses;
  }

  /** Tokens whose keys and values are in the cache. */
  get cached(): number {
    if (this.#losses !== this.#allocator.losses) this.release();
    return this.#cached;
  }

  /** Tokens that have to be fed before the next one can be sampled. */
  get pending(): number {
    return this.tokens.length - this.cached;
  }

  /**
   * How many of the pending tokens turn by the same frequencies, and so may be fed in one step: all of them, except where
   * frequencies depend on the length of the sequence and tokens that were sampled one by one are fed again.
   */
  get alike(): number {
    const start = this.cached;
    if (this.#rotation === null) return this.tokens.length - start;
    const kind = this.rotationKind(start);
    let end = start + 1;
    while (end < this.tokens.length && this.rotationKind(end) === kind) end += 1;
    return end - start;
  }

  /**
   * How the token at a position turns, where that depends on the length of the sequence: for that of the prompt, and a token
   * that was sampled for the length with it, as in transformers. So a token turns alike whatever the chunks of the prompt,
   * whatever is fed again, and whichever texts are computed beside it. 0: as in sequences up to the original length.
   */
  rotationKind(position: number): number {
    return this.#rotation?.kindOf(Math.max(position + 1, this.#promptTokens)) ?? 0;
  }

  /** Pages that hold its cached tokens, in order, and perhaps room for more. */
  get pages(): readonly number[] {
    return this.#pages;
  }

  /**
   * Takes over pages that hold the keys and values of its next tokens, full ones, with a reference to each.
   * The cached tokens end where a page ends.
   */
  adopt(pages: readonly number[]): void {
    const full = this.cached / this.#allocator.pageSize;
    this.#allocator.release(this.#pages.splice(full));
    this.#pages.push(...pages);
    this.#cached += pages.length * this.#allocator.pageSize;
  }

  /** Gives the page at `index` up for another with the same contents, with a reference to it. */
  exchange(index: number, page: number): void {
    this.#allocator.release(this.#pages.splice(index, 1, page));
  }

  /**
   * The next `count` uncached tokens, at most as many as turn alike, as part of a step; pages are taken for them.
   * @throws MoeqError when the cache has no room
   */
  segment(count: number): Segment {
    const missing = this.#allocator.pagesFor(this.cached + count) - this.#pages.length;
    if (missing > 0) this.#pages.push(...this.#allocator.allocate(missing));
    const segment = { pages: Int32Array.from(this.#pages), start: this.#cached, tokens: count };
    const kind = this.rotationKind(this.#cached);
    if (kind === 0 || this.#rotation === null) return segment;
    return { ...segment, inverseFrequencies: this.#rotation.inverseFrequencies(kind) };
  }

  /** The step that fed `count` tokens has ended. */
  advance(count: number): void {
    this.#cached += count;
  }

  /** Gives the pages back; the tokens stay, and would be fed again. */
  release(): void {
    this.#allocator.release(this.#pages);
    this.#pages = [];
    this.#cached = 0;
    this.#losses = this.#allocator.losses;
  }
}
