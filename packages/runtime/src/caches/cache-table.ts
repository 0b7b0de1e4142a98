// What one sequence holds in one cache group: pages of keys and values, or states. A sequence, the trie of prefixes and the pool
// know no more of either than this.
import type { Segment, StateSegment } from '@moeq/kernels';

/** A page that is not held any more, or no state. */
export const givenBack = -1;

export interface CacheTable {
  /** Pages or slots of the allocator that are held. */
  readonly held: number;
  /** The page of tokens `index`, or the slot of the state at its end; `givenBack` where there is none. */
  at(index: number): number;
  /** Pages in a row that are held before page `index`; 0 of states, which need none before them. */
  runBefore(index: number): number;
  /** Pages or slots that `reserve(length)` would take. */
  missing(length: number): number;
  /** Takes room until the first `length` tokens have it. @throws MoeqError when there is none */
  reserve(length: number): void;
  /** Tokens from position `start` on as part of a step, for which there is room. */
  segment(
    start: number,
    tokens: number,
    rotation: Pick<Segment, 'inverseFrequencies'>,
  ): Segment | StateSegment;
  /** A step has succeeded: the sequence has `length` tokens. */
  advance(length: number): void;
  /** Gives back what no token from position `length` on sees, and what there is too little room to keep for cuts. */
  trim(length: number): void;
  /** The longest length up to `length` at which the sequence could go on. */
  restorable(length: number): number;
  /** Gives back what is of the tokens from position `length` on, which is restorable. */
  cut(length: number): void;
  /**
   * Takes over pages behind its own, full ones, with a reference to each; `givenBack` for what no later token needs.
   * @param length of the sequence with them
   */
  adopt(pages: readonly number[], length: number): void;
  /** Gives what is at `index` up for another with the same contents, with a reference to it. */
  exchange(index: number, page: number): void;
}
