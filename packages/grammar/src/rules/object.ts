// Objects: named properties in their order, others behind them. A state is how far the names have come and how many
// properties there are; the key that is being written is a part of the sorted list of names, beside a string of the other
// keys.
import { Rule, State } from '../rule.js';
import { behindBlanks } from './blanks.js';
import { firstKey } from './object-key.js';
import { Objects, type ObjectTexts, type Written } from './object-progress.js';

export class ObjectRule extends Rule {
  readonly texts: ObjectTexts;

  constructor(texts: ObjectTexts) {
    super();
    this.texts = texts;
  }

  override get parts(): number {
    return 1 + this.texts.properties.length;
  }

  override measure(): number {
    const { properties, max, min } = this.texts;
    const needed = properties.filter(({ required }) => required);
    if (needed.length > max || min > max) return Number.POSITIVE_INFINITY;
    const heights = needed.map(({ rule }) => rule.height);
    let missing = min - needed.length;
    if (missing > 0) {
      const rest = properties.filter(({ required }) => !required).map(({ rule }) => rule.height);
      if (this.texts.otherKeys !== null)
        rest.push(Math.min(...this.texts.otherRules.map(({ height }) => height)));
      rest.sort((a, b) => a - b);
      for (; missing > 0; missing -= 1) heights.push(rest.shift() ?? Number.POSITIVE_INFINITY);
    }
    return heights.reduce((most, height) => Math.max(most, height + 1), 0);
  }

  protected override begin(): readonly State[] {
    return [new Brace(new Objects(this.texts, (objects, written) => new Between(objects, written)))];
  }
}

/** Before the brace that opens. */
class Brace extends State {
  readonly #objects: Objects;

  constructor(objects: Objects) {
    super();
    this.#objects = objects;
  }

  protected override read(byte: number): State | null {
    return byte === 0x7b ? behindBlanks(this.#objects.texts.blanks, new Opened(this.#objects)) : null;
  }
}

/** Behind the brace. */
class Opened extends State {
  override readonly height: number;
  readonly #objects: Objects;
  readonly #written: Written = { index: 0, named: 0, others: 0 };

  constructor(objects: Objects) {
    super();
    this.#objects = objects;
    this.height = objects.heightFrom(this.#written);
  }

  protected override read(byte: number): State | null {
    if (byte === 0x22) return firstKey(this.#objects, this.#written);
    return byte === 0x7d && this.#objects.complete(this.#written) ? this.#objects.end : null;
  }
}

/** Behind a value. */
class Between extends State {
  override readonly height: number;
  readonly #objects: Objects;
  readonly #written: Written;

  constructor(objects: Objects, written: Written) {
    super();
    this.#objects = objects;
    this.#written = written;
    this.height = objects.heightFrom(written);
  }

  protected override read(byte: number): State | null {
    const objects = this.#objects;
    if (byte === 0x7d) return objects.complete(this.#written) ? objects.end : null;
    if (byte !== 0x2c) return null;
    const key = firstKey(objects, this.#written);
    return key === null ? null : behindBlanks(objects.texts.blanks, new Comma(key));
  }
}

/** Behind a comma: a key has to come. */
class Comma extends State {
  override readonly height: number;
  readonly #key: State;

  constructor(key: State) {
    super();
    this.#key = key;
    this.height = key.height;
  }

  protected override read(byte: number): State | null {
    return byte === 0x22 ? this.#key : null;
  }
}
