// One sequence in the making: all its tokens, and how many of them the caches hold. What is not cached yet is what the next
// steps feed: the chunks of a prompt, the token sampled last, tokens behind a cut, or all of them after the pages were given
// up, or what they held was lost.
import type { Segment, StateSegment } from '@moeq/kernels';
import type { LengthRotation } from '../rotation/rope-frequencies.js';
import type { CachePool, PageCounts } from './cache-pool.js';
import type { CacheTable } from './cache-table.js';

/** Where a sequence stands in a prefix cache that shares pages with it. */
export interface PrefixHold {
  /** The sequence has `length` tokens in the caches, fewer than before. */
  shrinkTo(length: number): void;
}

export class Sequence {
  /** Prompt and generated tokens. */
  readonly tokens: number[];
  /** Of the prefix cache that it takes part in. */
  hold: PrefixHold | null = null;
  readonly #pool: CachePool;
  readonly #tables: readonly CacheTable[];
  #cached = 0;
  /** Of the pool, when the first page was taken. */
  #losses: number;
  readonly #rotation: LengthRotation | null;
  #promptTokens: number;

  /** @param rotation where it depends on the length of a sequence */
  constructor(tokens: Iterable<number>, pool: CachePool, rotation: LengthRotation | null = null) {
    this.tokens = [...tokens];
    this.#pool = pool;
    this.#tables = pool.tables();
    this.#rotation = rotation;
    this.#promptTokens = this.tokens.length;
    this.#losses = pool.losses;
  }

  /** Tokens that are in the caches: their keys and values, and the states after them. */
  get cached(): number {
    if (this.#losses !== this.#pool.losses) this.release();
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
   * whatever is fed again, and whichever sequences are computed beside it. 0: as in sequences up to the original length.
   */
  rotationKind(position: number): number {
    return this.#rotation?.kindOf(Math.max(position + 1, this.#promptTokens)) ?? 0;
  }

  /** What it holds of each group. */
  get tables(): readonly CacheTable[] {
    return this.#tables;
  }

  /** Pages of each group that feeding `count` tokens takes. */
  missing(count: number): PageCounts {
    const length = this.cached + count;
    return this.#tables.map((table) => table.missing(length));
  }

  /** Gives back what no token sees from here on; the cuts that need it go back to the start from now on. */
  trim(): void {
    const length = this.cached;
    for (const table of this.#tables) table.trim(length);
  }

  /**
   * Takes over pages that hold the keys and values of its next tokens, full ones, with a reference to each; those of a
   * group as far as its window reaches, and of states the last one. The cached tokens end where a page ends.
   * @param pages for each group, of `count` pages of tokens
   */
  adopt(pages: readonly (readonly number[])[], count: number): void {
    const length = this.cached;
    const end = length + count * this.#pool.pageSize;
    for (const [group, table] of this.#tables.entries()) {
      // Room that was taken for tokens that were never fed.
      table.cut(length);
      table.adopt(pages[group] as readonly number[], end);
    }
    this.#cached = end;
  }

  /**
   * The next `count` uncached tokens, at most as many as turn alike, as part of a step: a segment for each group. Pages are
   * taken for them, and those that no token sees any more are given back before.
   * @throws MoeqError when a cache has no room; it holds what it held then
   */
  segments(count: number): (Segment | StateSegment)[] {
    this.trim();
    const start = this.#cached;
    try {
      for (const table of this.#tables) table.reserve(start + count);
    } catch (error) {
      for (const table of this.#tables) table.cut(start);
      throw error;
    }
    const kind = this.rotationKind(start);
    const own =
      kind === 0 || this.#rotation === null
        ? {}
        : { inverseFrequencies: this.#rotation.inverseFrequencies(kind) };
    return this.#tables.map((table) => table.segment(start, count, own));
  }

  /** The step that fed `count` tokens has ended. */
  advance(count: number): void {
    this.#cached += count;
    for (const table of this.#tables) table.advance(this.#cached);
  }

  /**
   * Drops the tokens from position `length` on; what follows is as if they had never been there. `cached` becomes the longest
   * length up to it that every group can go back to: `length` itself after the last step, or a page that others share ends
   * before it, a state is gone back to where a step has ended, or a
   * window that was given back makes it 0. The tokens from there on are pending.
   */
  cut(length: number): void {
    const before = this.cached;
    this.tokens.length = Math.min(this.tokens.length, length);
    let restored = Math.min(before, this.tokens.length);
    if (this.tokens.length < this.#promptTokens) {
      // A shorter prompt may turn otherwise.
      const kind = this.rotationKind(0);
      this.#promptTokens = this.tokens.length;
      if (this.rotationKind(0) !== kind) restored = 0;
    }
    for (let length = -1; length !== restored; ) {
      length = restored;
      for (const table of this.#tables) restored = table.restorable(restored);
    }
    for (const table of this.#tables) table.cut(restored);
    this.#cached = restored;
    if (restored < before) this.hold?.shrinkTo(restored);
  }

  /** Gives all pages back; the tokens stay, and would be fed again. */
  release(): void {
    for (const table of this.#tables) table.cut(0);
    this.#cached = 0;
    this.#losses = this.#pool.losses;
    this.hold?.shrinkTo(0);
  }
}
