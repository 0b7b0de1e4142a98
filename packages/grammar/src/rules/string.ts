// Strings of JSON (RFC 8259): the characters that an automaton allows, as many as the bounds say, read from UTF-8 and
// escapes. The count is part of a state and never laid out, and beyond what a token can reach it makes no difference.
import type { Automaton } from '../automata/explore.js';
import { EndState, LeafRule, State } from '../rule.js';
import { escaped, type Spelling } from './string-escapes.js';

export interface StringTexts {
  /** Which characters may follow; null: any. */
  readonly automaton: Automaton | null;
  /** Characters at least; counted only without an automaton, which knows its own least. */
  readonly min: number;
  /** Characters at most; Infinity. */
  readonly max: number;
  /** `canonical`: as JSON.stringify writes them; `any`: with every escape that JSON has. */
  readonly spelling: Spelling;
}

export function stringRule(texts: StringTexts): LeafRule {
  const { automaton, max, min } = texts;
  if (min > max || (automaton !== null && (automaton.distances[0] as number) > max)) {
    return new LeafRule(null, 'a length that no text has');
  }
  const isFree = automaton === null && min === 0 && max === Number.POSITIVE_INFINITY;
  return new LeafRule(() => new OpeningQuote(isFree ? free[texts.spelling] : new Strings(texts)));
}

/** The strings of one rule, with the states that they have come to. */
export class Strings {
  readonly texts: StringTexts;
  /** Of all grammars. */
  readonly shared: boolean;
  readonly #open = new Map<string, Characters>();
  readonly #closed = new Map<number, Closed>();

  constructor(texts: StringTexts, shared = false) {
    this.texts = texts;
    this.shared = shared;
  }

  /** Behind so many characters. */
  at(state: number, count: number): Characters {
    const { max, min } = this.texts;
    // A count that no bound looks at is none.
    const kept = max === Number.POSITIVE_INFINITY ? Math.min(count, min) : count;
    const key = `${state}:${kept}`;
    const found = this.#open.get(key) ?? new Characters(this, state, kept);
    this.#open.set(key, found);
    return found;
  }

  closed(label: number): Closed {
    const found = this.#closed.get(label) ?? new Closed(label);
    this.#closed.set(label, found);
    return found;
  }

  /** The automaton's state behind a character; -1 where it does not fit. */
  next(state: number, count: number, code: number): number {
    const { automaton, max } = this.texts;
    if (count >= max) return -1;
    if (automaton === null) return 0;
    const characterClass = automaton.classes.of(code);
    return characterClass < 0 ? -1 : this.#follow(automaton, state, count, characterClass);
  }

  /** Whether one of the characters from `first` to `last` fits. */
  some(state: number, count: number, first: number, last: number): boolean {
    const { automaton, max } = this.texts;
    if (count >= max) return false;
    if (automaton === null || first > last) return first <= last;
    return automaton.classes.some(first, last, (each) => this.#follow(automaton, state, count, each) >= 0);
  }

  #follow(automaton: Automaton, state: number, count: number, characterClass: number): number {
    const next = automaton.table[state * automaton.classes.count + characterClass] as number;
    if (next < 0 || count + 1 + (automaton.distances[next] as number) > this.texts.max) return -1;
    return next;
  }
}

/** The end of a string, with the label that its automaton gives it. */
export class Closed extends EndState {
  readonly label: number;

  constructor(label: number) {
    super();
    this.label = label;
  }
}

class OpeningQuote extends State {
  readonly #strings: Strings;

  constructor(strings: Strings) {
    super();
    this.#strings = strings;
  }

  protected override count(): number {
    return this.#strings.at(0, 0).completions;
  }

  protected override read(byte: number): State | null {
    return byte === 0x22 ? this.#strings.at(0, 0) : null;
  }
}

/** Within a string, between two characters. */
export class Characters extends State {
  override readonly shared: boolean;
  readonly #strings: Strings;
  readonly #state: number;
  readonly #count: number;

  constructor(strings: Strings, state: number, count: number) {
    super();
    this.#strings = strings;
    this.#state = state;
    this.#count = count;
    this.shared = strings.shared;
  }

  protected override count(): number {
    const { automaton, max } = this.#strings.texts;
    if (max === Number.POSITIVE_INFINITY) return automaton?.completions[this.#state] ?? max;
    // At least one, and with room for a character as many as there are of them.
    return automaton === null && this.#count < max ? 1_000_000 : 1;
  }

  /** Where neither bound is within reach, a state without them. */
  override standIn(length: number): State {
    const { automaton, max, min, spelling } = this.#strings.texts;
    const far = automaton?.distances.length ?? 0;
    if (max === Number.POSITIVE_INFINITY || max - this.#count <= length + far || this.#count < min)
      return this;
    return boundless(automaton, spelling).at(this.#state, 0);
  }

  protected override read(byte: number): State | null {
    const strings = this.#strings;
    const { automaton, min, spelling } = strings.texts;
    if (byte === 0x22) {
      const label = automaton === null ? 0 : (automaton.labels[this.#state] as number);
      return label >= 0 && this.#count >= min ? strings.closed(label) : null;
    }
    if (byte === 0x5c) return Escape.behind(this.#place(), '', spelling);
    if (byte < 0x20) return null;
    if (byte < 0x80) return this.#place().read(byte);
    if (byte < 0xc2 || byte > 0xf4) return null;
    const left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    const least = [0x80, 0x800, 0x10000][left - 1] as number;
    return Continuation.behind(this.#place(), byte & (0x3f >> left), left, least);
  }

  #place(): Place {
    return new Place(this.#strings, this.#state, this.#count);
  }
}

const unbounded = new WeakMap<Automaton, Strings>();
const free: Record<Spelling, Strings> = {
  any: new Strings({ automaton: null, min: 0, max: Number.POSITIVE_INFINITY, spelling: 'any' }, true),
  canonical: new Strings(
    { automaton: null, min: 0, max: Number.POSITIVE_INFINITY, spelling: 'canonical' },
    true,
  ),
};

function boundless(automaton: Automaton | null, spelling: Spelling): Strings {
  if (automaton === null) return free[spelling];
  const known = unbounded.get(automaton);
  const strings = known ?? new Strings({ automaton, min: 0, max: Number.POSITIVE_INFINITY, spelling });
  unbounded.set(automaton, strings);
  return strings;
}

/** Where a character is read that is not complete. */
class Place {
  readonly #strings: Strings;
  readonly #state: number;
  readonly #count: number;

  constructor(strings: Strings, state: number, count: number) {
    this.#strings = strings;
    this.#state = state;
    this.#count = count;
  }

  read(code: number): State | null {
    const next = this.#strings.next(this.#state, this.#count, code);
    return next < 0 ? null : this.#strings.at(next, this.#count + 1);
  }

  some(first: number, last: number): boolean {
    return this.#strings.some(this.#state, this.#count, first, last);
  }
}

/** Within the bytes of a character: those that begin as it does are a range. */
class Continuation extends State {
  readonly #place: Place;
  readonly #value: number;
  readonly #left: number;
  readonly #least: number;

  constructor(place: Place, value: number, left: number, least: number) {
    super();
    this.#place = place;
    this.#value = value;
    this.#left = left;
    this.#least = least;
  }

  /**
   * @param left bytes that are to come
   * @param least the first character that needs so many bytes; shorter ones are not UTF-8 when spelled so
   */
  static behind(place: Place, value: number, left: number, least: number): State | null {
    if (left === 0) return place.read(value);
    const span = 64 ** left;
    const [first, last] = [Math.max(value * span, least), Math.min(value * span + span - 1, 0x10ffff)];
    const fits = place.some(first, Math.min(last, 0xd7ff)) || place.some(Math.max(first, 0xe000), last);
    return fits ? new Continuation(place, value, left, least) : null;
  }

  protected override count(): number {
    return 1;
  }

  protected override read(byte: number): State | null {
    if (byte < 0x80 || byte > 0xbf) return null;
    return Continuation.behind(this.#place, this.#value * 64 + (byte & 0x3f), this.#left - 1, this.#least);
  }
}

/** Within an escape. */
class Escape extends State {
  readonly #place: Place;
  readonly #text: string;
  readonly #spelling: Spelling;

  constructor(place: Place, text: string, spelling: Spelling) {
    super();
    this.#place = place;
    this.#text = text;
    this.#spelling = spelling;
  }

  /** @param text what stands behind the backslash */
  static behind(place: Place, text: string, spelling: Spelling): State | null {
    const found = escaped(text, spelling);
    if (found === null) return null;
    const { ranges, complete } = found;
    if (complete) return ranges[0] === undefined ? null : place.read(ranges[0][0]);
    return ranges.some(([first, last]) => place.some(first, last)) ? new Escape(place, text, spelling) : null;
  }

  protected override count(): number {
    return 1;
  }

  protected override read(byte: number): State | null {
    return byte < 0x80
      ? Escape.behind(this.#place, this.#text + String.fromCharCode(byte), this.#spelling)
      : null;
  }
}
