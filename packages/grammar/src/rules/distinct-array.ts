// Arrays whose items differ from one another: literals, strings and numbers, each with one spelling. A state holds the
// items that were written; one that is being written has to have more ways to go on than are taken.
import { EndState, Rule, State } from '../rule.js';
import { type Blanks, behindBlanks } from './blanks.js';
import { sortedTexts } from './text.js';

export interface DistinctTexts {
  /** Of values without containers, spelled in one way. */
  readonly item: Rule;
  readonly min: number;
  readonly max: number;
  readonly blanks: Blanks;
}

export class DistinctArrayRule extends Rule {
  readonly texts: DistinctTexts;

  constructor(texts: DistinctTexts) {
    super();
    this.texts = texts;
  }

  override measure(): number {
    const { item, max, min } = this.texts;
    if (min > max) return Number.POSITIVE_INFINITY;
    if (min === 0) return 0;
    // As many items as one start has ways to go on are certain to differ.
    const most = item.inhabited ? Math.max(...item.starts.map(({ completions }) => completions)) : 0;
    return most >= min ? 0 : Number.POSITIVE_INFINITY;
  }

  protected override begin(): readonly State[] {
    return [new Bracket(this.texts)];
  }
}

class Bracket extends State {
  readonly #texts: DistinctTexts;

  constructor(texts: DistinctTexts) {
    super();
    this.#texts = texts;
  }

  protected override read(byte: number): State | null {
    return byte === 0x5b ? behindBlanks(this.#texts.blanks, new Items(this.#texts, [], null, '')) : null;
  }
}

/** Within the items, before, in or behind one. */
class Items extends State {
  readonly #texts: DistinctTexts;
  /** Sorted. */
  readonly #taken: readonly string[];
  /** Of the item that is being written; null: it has not begun. */
  readonly #item: State | null;
  readonly #text: string;

  constructor(texts: DistinctTexts, taken: readonly string[], item: State | null, text: string) {
    super();
    this.#texts = texts;
    this.#taken = taken;
    this.#item = item;
    this.#text = text;
  }

  protected override read(byte: number): State | null {
    const { blanks, max, min } = this.#texts;
    if (this.#item === null) {
      if (byte === 0x5d) return this.#taken.length === 0 && min === 0 ? new EndState() : null;
      if (this.#taken.length >= max) return null;
      for (const start of this.#texts.item.starts) {
        const first = this.#within(start.step(byte), byte);
        if (first !== null) return first;
      }
      return null;
    }
    if (this.#item.final && (byte === 0x2c || byte === 0x5d) && !this.#taken.includes(this.#text)) {
      const taken = sortedTexts([...this.#taken, this.#text]);
      if (byte === 0x5d) return taken.length >= min ? new EndState() : null;
      const more =
        taken.length < max && this.#texts.item.starts.some(({ completions }) => completions > taken.length);
      return more ? behindBlanks(blanks, new Items(this.#texts, taken, null, '')) : null;
    }
    return this.#within(this.#item.step(byte), byte);
  }

  #within(item: State | null, byte: number): State | null {
    if (item === null) return null;
    const text = this.#text + String.fromCharCode(byte);
    const taken = this.#taken.reduce((count, each) => count + (each.startsWith(text) ? 1 : 0), 0);
    return item.completions > taken ? new Items(this.#texts, this.#taken, item, text) : null;
  }
}
