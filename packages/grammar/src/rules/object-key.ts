// The key of an object while it is written: the names that begin like it, and a string that other keys may go on as. At
// the closing quote it is one of the names, or another key; a name is never another key.
import { State } from '../rule.js';
import { behindBlanks, ValueState } from './blanks.js';
import type { Objects, Property, Written } from './object-progress.js';
import { Closed } from './string.js';
import { narrow, type TextRange } from './text.js';

class KeyState extends State {
  override readonly height: number;
  readonly #objects: Objects;
  readonly #written: Written;
  readonly #names: TextRange | null;
  readonly #other: State | null;

  private constructor(
    objects: Objects,
    written: Written,
    names: TextRange | null,
    other: State | null,
    height: number,
  ) {
    super();
    this.#objects = objects;
    this.#written = written;
    this.#names = names;
    this.#other = other;
    this.height = height;
  }

  /** null where no key begins so. */
  static behind(
    objects: Objects,
    written: Written,
    names: TextRange | null,
    other: State | null,
  ): State | null {
    if (names === null)
      return other === null
        ? null
        : objects.freeKey(written, other, () => KeyState.made(objects, written, null, other));
    return KeyState.made(objects, written, names, other);
  }

  private static made(
    objects: Objects,
    written: Written,
    names: TextRange | null,
    other: State | null,
  ): KeyState | null {
    const taken = names === null ? 0 : names.high - names.low;
    // Other keys that could only go on to names are none.
    const left = other !== null && (taken === 0 || other.completions > taken) ? other : null;
    let height = Number.POSITIVE_INFINITY;
    if (left !== null)
      for (const rule of objects.texts.otherRules) height = Math.min(height, rule.height + 1);
    if (names !== null) {
      for (const index of objects.candidates(written, names)) {
        height = Math.min(height, objects.heightOf(index));
        if (height <= 1) break;
      }
    }
    return height === Number.POSITIVE_INFINITY ? null : new KeyState(objects, written, names, left, height);
  }

  protected override read(byte: number): State | null {
    const objects = this.#objects;
    const names = this.#names === null ? null : narrow(objects.names, this.#names, byte);
    const other = this.#other?.step(byte) ?? null;
    const isName = names !== null && objects.names[names.low]?.length === names.depth;
    if (isName) return this.#name(objects.propertyAt(names.low));
    if (other instanceof Closed) return this.#value(other.label);
    return KeyState.behind(objects, this.#written, names, other);
  }

  #name(index: number): State | null {
    const { texts } = this.#objects;
    if (!this.#objects.allows(this.#written, index)) return null;
    const { rule } = texts.properties[index] as Property;
    const { named, others } = this.#written;
    const behind = this.#objects.between({ index: index + 1, named: named + 1, others });
    return new Colon(behindBlanks(texts.blanks, new ValueState([{ rule, behind }])));
  }

  #value(label: number): State | null {
    const { texts } = this.#objects;
    const rule = texts.otherRules[label];
    if (rule?.inhabited !== true) return null;
    const { named, others } = this.#written;
    const behind = this.#objects.between({ index: texts.properties.length, named, others: others + 1 });
    return new Colon(behindBlanks(texts.blanks, new ValueState([{ rule, behind }])));
  }
}

/** Behind a key. */
class Colon extends State {
  override readonly height: number;
  readonly #value: State;

  constructor(value: State) {
    super();
    this.#value = value;
    this.height = value.height;
  }

  protected override read(byte: number): State | null {
    return byte === 0x3a ? this.#value : null;
  }
}

/** The key that may begin here; null: none. */
export function firstKey(objects: Objects, written: Written): State | null {
  const { otherKeys } = objects.texts;
  const other = otherKeys !== null && objects.allowsOther(written) ? otherKeys.at(0, 0) : null;
  const names = narrow(objects.names, { low: 0, high: objects.names.length, depth: 0 }, 0x22);
  return KeyState.behind(objects, written, names, other);
}
