// How far an object has come: which names are written, which may still come, and whether it may end. Names that would leave too
// few, or too many, properties for what is still required are not offered.
import { EndState, type Rule, type State } from '../rule.js';
import { type Blanks, behindBlanks } from './blanks.js';
import type { NameTable } from './name-table.js';
import type { Strings } from './string.js';
import type { TextRange } from './text.js';

export interface Property {
  readonly name: string;
  readonly rule: Rule;
  readonly required: boolean;
}

export interface ObjectTexts {
  readonly properties: readonly Property[];
  /** Of `properties`. */
  readonly names: NameTable;
  /** Keys without a name in `properties`; null: none. */
  readonly otherKeys: Strings | null;
  /** Values of other keys, by the label of the key. */
  readonly otherRules: readonly Rule[];
  /** Properties; other ones count once at most towards the least, since they may repeat. */
  readonly min: number;
  readonly max: number;
  readonly blanks: Blanks;
}

/** What has been written of an object. */
export interface Written {
  /** Names before this one are written or left out. */
  readonly index: number;
  readonly named: number;
  readonly others: number;
}

/** The objects of one rule, with the states that they have come to. */
export class Objects {
  readonly texts: ObjectTexts;
  /** Spellings of names in the order of their bytes. */
  readonly names: readonly string[];
  readonly end = new EndState();
  /** Some other key has a value. */
  readonly open: boolean;
  /** Of property i and those behind it: required ones, inhabited ones, the most that required ones need below. */
  readonly #required: Int32Array;
  readonly #available: Int32Array;
  readonly #heights: Float64Array;
  /** The next required one at i or behind it. */
  readonly #next: Int32Array;
  /** Properties by the rank of their names, and ranks by property. */
  readonly #order: Int32Array;
  readonly #ranks: Int32Array;
  readonly #between = new Map<string, State>();
  readonly #behind: (objects: Objects, written: Written) => State;

  /** @param behind the state behind a value */
  constructor(texts: ObjectTexts, behind: (objects: Objects, written: Written) => State) {
    this.texts = texts;
    this.#behind = behind;
    const { names, properties, otherKeys, otherRules } = texts;
    this.names = names.names;
    this.#order = names.order;
    this.#ranks = names.ranks;
    this.open = otherKeys !== null && otherRules.some(({ inhabited }) => inhabited);
    const size = properties.length + 1;
    this.#required = new Int32Array(size);
    this.#available = new Int32Array(size);
    this.#heights = new Float64Array(size);
    this.#next = new Int32Array(size).fill(properties.length);
    for (let index = properties.length - 1; index >= 0; index -= 1) {
      const { required, rule } = properties[index] as Property;
      this.#required[index] = (this.#required[index + 1] as number) + (required ? 1 : 0);
      this.#available[index] = (this.#available[index + 1] as number) + (rule.inhabited ? 1 : 0);
      this.#next[index] = required ? index : (this.#next[index + 1] as number);
      this.#heights[index] = Math.max(this.#heights[index + 1] as number, required ? rule.height + 1 : 0);
    }
  }

  /** @param written behind a value; counts that no bound looks at are none */
  between(written: Written): State {
    const { blanks, max, min } = this.texts;
    const counted = max < Number.POSITIVE_INFINITY;
    const named = counted ? written.named : Math.min(written.named, min);
    const others = counted ? written.others : Math.min(written.others, 1);
    const key = `${written.index},${named},${others}`;
    const found =
      this.#between.get(key) ??
      behindBlanks(blanks, this.#behind(this, { index: written.index, named, others }));
    this.#between.set(key, found);
    return found;
  }

  /** Whether an object may end. */
  complete({ index, named, others }: Written): boolean {
    return this.#required[index] === 0 && named + Math.min(others, 1) >= this.texts.min;
  }

  /** Whether property `index` may come next. */
  allows({ index: from, named, others }: Written, index: number): boolean {
    const { properties, max, min } = this.texts;
    const { rule } = properties[index] as Property;
    if (index < from || index > (this.#next[from] as number) || !rule.inhabited) return false;
    const behind = index + 1;
    const most = named + 1 + (this.#available[behind] as number) + (this.open ? 1 : 0);
    return named + others + 1 + (this.#required[behind] as number) <= max && most >= min;
  }

  /** Whether another key may come next: names are behind it then. */
  allowsOther({ index, named, others }: Written): boolean {
    const { max, min } = this.texts;
    return this.open && this.#required[index] === 0 && named + others < max && named + 1 >= min;
  }

  /** Levels below that property `index`, and what is required behind it, need. */
  heightOf(index: number): number {
    const { rule } = this.texts.properties[index] as Property;
    return Math.max(rule.height + 1, this.#heights[index + 1] as number);
  }

  heightFrom(written: Written): number {
    return this.#heights[written.index] as number;
  }

  /** The names that may come next among those that begin alike, as indices of properties. */
  *candidates(written: Written, { low, high }: TextRange): Generator<number, void, void> {
    const last = this.#next[written.index] as number;
    const isShort = last < this.texts.properties.length && last - written.index < high - low;
    if (!isShort) {
      for (let rank = low; rank < high; rank += 1) {
        const index = this.#order[rank] as number;
        if (this.allows(written, index)) yield index;
      }
      return;
    }
    for (let index = written.index; index <= last; index += 1) {
      const rank = this.#ranks[index] as number;
      if (rank >= low && rank < high && this.allows(written, index)) yield index;
    }
  }

  /** The property of a name. */
  propertyAt(rank: number): number {
    return this.#order[rank] as number;
  }

  readonly #freeKeys = new Map<string, State | null>();

  /** The key that is none of the names, made once for what it can go on as. */
  freeKey({ index, named, others }: Written, other: State, make: () => State | null): State | null {
    const key = `${index},${named},${others},${other.id}`;
    const known = this.#freeKeys.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#freeKeys.set(key, made);
    return made;
  }
}
