// Arrays: items by their place, the last rule for all that follow; a state is how many items there are, and how many of
// them are among those that have to be contained.
import { type Call, EndState, Rule, State } from '../rule.js';
import { type Blanks, behindBlanks, ValueState } from './blanks.js';

export interface ArrayTexts {
  /** Rules of the first items. */
  readonly prefix: readonly Item[];
  /** Of all others. */
  readonly rest: Item;
  readonly min: number;
  readonly max: number;
  /** Items at least, and at most, that are read by `marked`. */
  readonly minMarked: number;
  readonly maxMarked: number;
  readonly blanks: Blanks;
}

export interface Item {
  readonly plain: Rule;
  /** Items that count among the contained ones; null: none does. */
  readonly marked: Rule | null;
}

export class ArrayRule extends Rule {
  readonly texts: ArrayTexts;

  constructor(texts: ArrayTexts) {
    super();
    this.texts = texts;
  }

  override get parts(): number {
    return 1 + this.texts.prefix.length;
  }

  override measure(): number {
    const { min, minMarked } = this.texts;
    const max = mostItems(this.texts);
    const needed = Math.max(min, minMarked);
    if (needed > max || minMarked > this.texts.maxMarked) return Number.POSITIVE_INFINITY;
    let height = 0;
    // All places behind the first ones have one rule.
    const places = Math.min(needed, this.texts.prefix.length + 1);
    for (let index = 0; index < places; index += 1)
      height = Math.max(height, heightOf(itemAt(this.texts, index)) + 1);
    if (minMarked > 0) height = Math.max(height, markedHeight(this.texts) + 1);
    return height;
  }

  protected override begin(): readonly State[] {
    return [new Bracket(new Arrays(this.texts))];
  }
}

/** Items that an array can have: none behind a place that nothing fits. */
function mostItems(texts: Pick<ArrayTexts, 'prefix' | 'rest' | 'max'>): number {
  for (let index = 0; index <= texts.prefix.length && index < texts.max; index += 1) {
    if (heightOf(itemAt(texts, index)) === Number.POSITIVE_INFINITY) return index;
  }
  return texts.max;
}

function itemAt({ prefix, rest }: Pick<ArrayTexts, 'prefix' | 'rest'>, index: number): Item {
  return prefix[index] ?? rest;
}

function heightOf({ plain, marked }: Item): number {
  return Math.min(plain.height, marked?.height ?? Number.POSITIVE_INFINITY);
}

function markedHeight({ prefix, rest }: ArrayTexts): number {
  return Math.min(...[...prefix, rest].map(({ marked }) => marked?.height ?? Number.POSITIVE_INFINITY));
}

class Arrays {
  readonly texts: ArrayTexts;
  readonly max: number;
  readonly end = new EndState();
  readonly #between = new Map<string, State>();

  constructor(texts: ArrayTexts) {
    this.texts = texts;
    this.max = mostItems(texts);
  }

  between(count: number, marked: number): State {
    const { blanks, maxMarked, min, minMarked, prefix } = this.texts;
    const kept =
      this.max < Number.POSITIVE_INFINITY ? count : Math.min(count, Math.max(min, prefix.length, 1));
    const keptMarked = maxMarked < Number.POSITIVE_INFINITY ? marked : Math.min(marked, minMarked);
    const key = `${kept},${keptMarked}`;
    const found = this.#between.get(key) ?? behindBlanks(blanks, new Between(this, kept, keptMarked));
    this.#between.set(key, found);
    return found;
  }

  complete(count: number, marked: number): boolean {
    return count >= this.texts.min && marked >= this.texts.minMarked;
  }

  /** The place of an item; null where none may come. */
  item(count: number, marked: number): State | null {
    if (count >= this.max) return null;
    const { maxMarked, minMarked } = this.texts;
    const item = itemAt(this.texts, count);
    const left = this.max - count - 1;
    const calls: Call[] = [];
    if (item.plain.inhabited && this.#markable(count + 1, left) >= minMarked - marked) {
      calls.push({ rule: item.plain, behind: this.between(count + 1, marked) });
    }
    if (
      item.marked?.inhabited === true &&
      marked < maxMarked &&
      this.#markable(count + 1, left) >= minMarked - marked - 1
    ) {
      calls.push({ rule: item.marked, behind: this.between(count + 1, marked + 1) });
    }
    return calls.length === 0 ? null : new ValueState(calls);
  }

  /** Items from a place on that can count among the contained ones. */
  #markable(from: number, left: number): number {
    const { prefix, rest, minMarked } = this.texts;
    if (minMarked === 0) return 0;
    let count = 0;
    const most = Math.min(left, Math.max(0, prefix.length - from));
    for (let index = from; index < from + most; index += 1)
      if (prefix[index]?.marked?.inhabited === true) count += 1;
    return rest.marked?.inhabited === true ? count + left - most : count;
  }
}

/** Before the bracket that opens. */
class Bracket extends State {
  readonly #arrays: Arrays;

  constructor(arrays: Arrays) {
    super();
    this.#arrays = arrays;
  }

  protected override read(byte: number): State | null {
    return byte === 0x5b ? behindBlanks(this.#arrays.texts.blanks, new Opened(this.#arrays)) : null;
  }
}

/** Behind the bracket: an item or the end. */
class Opened extends State {
  override readonly height: number;
  override readonly calls: readonly Call[];
  readonly #arrays: Arrays;

  constructor(arrays: Arrays) {
    super();
    this.#arrays = arrays;
    const item = arrays.item(0, 0);
    this.calls = item?.calls ?? [];
    this.height = arrays.complete(0, 0) ? 0 : (item?.height ?? 0);
  }

  protected override read(byte: number): State | null {
    return byte === 0x5d && this.#arrays.complete(0, 0) ? this.#arrays.end : null;
  }
}

/** Behind an item. */
class Between extends State {
  override readonly height: number;
  readonly #arrays: Arrays;
  readonly #count: number;
  readonly #marked: number;

  constructor(arrays: Arrays, count: number, marked: number) {
    super();
    this.#arrays = arrays;
    this.#count = count;
    this.#marked = marked;
    this.height = arrays.complete(count, marked) ? 0 : heightOf(itemAt(arrays.texts, count)) + 1;
  }

  protected override read(byte: number): State | null {
    const arrays = this.#arrays;
    if (byte === 0x5d) return arrays.complete(this.#count, this.#marked) ? arrays.end : null;
    const item = byte === 0x2c ? arrays.item(this.#count, this.#marked) : null;
    return item === null ? null : behindBlanks(arrays.texts.blanks, item);
  }
}
