// Segments of layers that keep a state, as they are when the operation is issued: copied once for all layers that name the same.
import type { StateCacheSpec } from '../resources.js';
import { assertStateSegments } from '../shapes/caches.js';
import type { StateSegment } from '../step.js';

export class StateSegmentCopies {
  readonly #known: (readonly StateSegment[])[] = [];

  /**
   * @param tokens T, rows of the activations
   * @returns the same object for as long as they say the same
   * @throws MoeqError at the first segment that does not fit
   */
  take(
    operation: string,
    given: readonly StateSegment[],
    tokens: number,
    cache: StateCacheSpec,
  ): readonly StateSegment[] {
    assertStateSegments(operation, given, tokens, cache);
    const known = this.#known.find((copies) => isSame(given, copies));
    if (known !== undefined) return known;
    const copies = given.map(({ tokens: own, from, to }): StateSegment => ({ tokens: own, from, to }));
    this.#known.push(copies);
    return copies;
  }
}

function isSame(given: readonly StateSegment[], copies: readonly StateSegment[]): boolean {
  return (
    given.length === copies.length &&
    given.every(({ tokens, from, to }, index) => {
      const copy = copies[index] as StateSegment;
      return tokens === copy.tokens && from === copy.from && to === copy.to;
    })
  );
}
