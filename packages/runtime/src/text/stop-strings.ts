// Ends a stream of text before the first stop string, wherever tokens cut it. Text that may be the beginning of a stop
// string is held back until more text decides. The outcome depends on the text alone, never on how it was cut: the stop
// string that is complete first ends the stream; of two that end together, the longer one.

export class StopStrings {
  readonly #stops: readonly string[];
  readonly #longest: number;
  #held = '';
  #stopped = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
    this.#longest = stops.reduce((longest, { length }) => Math.max(longest, length), 0);
  }

  /** A stop string has come; nothing is released any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Takes the next text, answers what can be shown of all that came so far. */
  push(text: string): string {
    if (this.#stopped) return '';
    const waiting = this.#held + text;
    const cut = this.#firstStop(waiting);
    this.#stopped = cut !== -1;
    const shown = this.#stopped ? cut : waiting.length - this.#possibleBeginning(waiting);
    this.#held = this.#stopped ? '' : waiting.slice(shown);
    return waiting.slice(0, shown);
  }

  /** The stream has ended: what was held back was no beginning of a stop string. */
  flush(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }

  /** Start of the stop string that ends first in `text`; -1 where there is none. */
  #firstStop(text: string): number {
    let first = -1;
    let firstEnd = Infinity;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      const end = start + stop.length;
      if (start !== -1 && (end < firstEnd || (end === firstEnd && start < first))) {
        first = start;
        firstEnd = end;
      }
    }
    return first;
  }

  /** Length of the longest end of `text` that is a beginning of a stop string. */
  #possibleBeginning(text: string): number {
    for (let length = Math.min(text.length, this.#longest - 1); length > 0; length -= 1) {
      const end = text.slice(text.length - length);
      if (this.#stops.some((stop) => stop.startsWith(end))) return length;
    }
    return 0;
  }
}
