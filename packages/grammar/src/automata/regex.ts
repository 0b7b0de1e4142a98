// Regular expressions with intersection and complement, read by derivatives (Brzozowski, 1964; Owens, Reppy and Turon,
// 2009): what is left of an expression once a character was read is an expression again. Equal expressions are one object,
// so that an automaton's states are the expressions that reading leads to. A repetition is a node with its bounds.
import type { Pausing } from '../slices.js';
import type { CodeRange } from './characters.js';

export type Regex = { readonly id: number; readonly nullable: boolean } & (
  | { readonly kind: 'nothing' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'set'; readonly ranges: readonly CodeRange[] }
  | { readonly kind: 'sequence'; readonly head: Regex; readonly tail: Regex }
  | { readonly kind: 'repeat'; readonly body: Regex; readonly min: number; readonly max: number }
  | { readonly kind: 'or' | 'and'; readonly parts: readonly Regex[] }
  | { readonly kind: 'not'; readonly body: Regex }
);

/** The expressions whose derivatives that of an expression is made of. */
function partsOf(regex: Regex): readonly Regex[] {
  switch (regex.kind) {
    case 'or':
    case 'and':
      return regex.parts;
    case 'sequence':
      return regex.head.nullable ? [regex.head, regex.tail] : [regex.head];
    case 'repeat':
    case 'not':
      return [regex.body];
    default:
      return [];
  }
}

type Shape<T = Regex> = T extends Regex ? Omit<T, 'id' | 'nullable'> : never;

/** Parts of one alternative or intersection: each character that is read looks at all of them. */
const maxParts = 4096;
/** Cost between two pauses. */
const costPerPause = 2000;

/** Makes expressions; those of two builders do not mix. */
export class RegexBuilder {
  readonly #known = new Map<string, Regex>();
  readonly #derivatives = new Map<string, Regex>();
  /** Sets that were used: what characters have to be distinguished by. */
  readonly sets: (readonly CodeRange[])[] = [];
  readonly nothing = this.#make('0', { kind: 'nothing' }, false);
  readonly empty = this.#make('1', { kind: 'empty' }, true);
  /** Any text. */
  readonly anything: Regex;

  constructor() {
    this.anything = this.#make('all', { kind: 'not', body: this.nothing }, true);
  }

  /** Parts of expressions that were looked at: time and memory go with it. Infinity: an expression has too many. */
  spent = 0;
  #paused = 0;

  set(ranges: readonly CodeRange[]): Regex {
    if (ranges.length === 0) return this.nothing;
    const key = `[${ranges.join(';')}]`;
    if (!this.#known.has(key)) this.sets.push(ranges);
    return this.#make(key, { kind: 'set', ranges }, false);
  }

  text(text: string): Regex {
    const codes = [...text].map((each) => each.codePointAt(0) ?? 0);
    return this.sequence(...codes.map((code) => this.set([[code, code]])));
  }

  sequence(...parts: readonly Regex[]): Regex {
    return parts.reduceRight((tail, head) => this.#pair(head, tail), this.empty);
  }

  #pair(head: Regex, tail: Regex): Regex {
    if (head === this.nothing || tail === this.nothing) return this.nothing;
    if (head === this.empty) return tail;
    if (tail === this.empty) return head;
    if (head.kind === 'sequence') return this.#pair(head.head, this.#pair(head.tail, tail));
    return this.#make(
      `.${head.id},${tail.id}`,
      { kind: 'sequence', head, tail },
      head.nullable && tail.nullable,
    );
  }

  repeat(body: Regex, min: number, max: number): Regex {
    if (max === 0 || body === this.empty) return this.empty;
    if (body === this.nothing) return min === 0 ? this.empty : this.nothing;
    if (min === 1 && max === 1) return body;
    return this.#make(
      `*${body.id},${min},${max}`,
      { kind: 'repeat', body, min, max },
      min === 0 || body.nullable,
    );
  }

  or(...parts: readonly Regex[]): Regex {
    return this.#combine('or', parts, this.nothing, this.anything);
  }

  and(...parts: readonly Regex[]): Regex {
    return this.#combine('and', parts, this.anything, this.nothing);
  }

  not(body: Regex): Regex {
    if (body.kind === 'not') return body.body;
    return this.#make(`!${body.id}`, { kind: 'not', body }, !body.nullable);
  }

  /** What is left once a character was read. */
  derivative(regex: Regex, code: number, characterClass: number): Regex {
    this.spent += 1;
    const key = `${regex.id},${characterClass}`;
    const known = this.#derivatives.get(key);
    if (known !== undefined) return known;
    const made = this.#derive(regex, code, characterClass);
    this.#derivatives.set(key, made);
    return made;
  }

  /** What `derivative` is made of, in slices: it has but one expression left to look at then. */
  *prepare(regex: Regex, code: number, characterClass: number): Pausing<void> {
    const isSimple = regex.kind === 'nothing' || regex.kind === 'empty' || regex.kind === 'set';
    if (isSimple || this.#derivatives.has(`${regex.id},${characterClass}`)) return;
    for (const part of partsOf(regex)) {
      yield* this.prepare(part, code, characterClass);
      this.derivative(part, code, characterClass);
      if (this.spent - this.#paused < costPerPause) continue;
      this.#paused = this.spent;
      yield;
    }
  }

  #derive(regex: Regex, code: number, characterClass: number): Regex {
    const of = (each: Regex) => this.derivative(each, code, characterClass);
    switch (regex.kind) {
      case 'nothing':
      case 'empty':
        return this.nothing;
      case 'set':
        return regex.ranges.some(([first, last]) => first <= code && code <= last)
          ? this.empty
          : this.nothing;
      case 'sequence': {
        const first = this.#pair(of(regex.head), regex.tail);
        return regex.head.nullable ? this.or(first, of(regex.tail)) : first;
      }
      case 'repeat': {
        const { body, min, max } = regex;
        return this.#pair(of(body), this.repeat(body, Math.max(0, min - 1), max - 1));
      }
      case 'or':
        return this.or(...regex.parts.map(of));
      case 'and':
        return this.and(...regex.parts.map(of));
      case 'not':
        return this.not(of(regex.body));
    }
  }

  #combine(kind: 'or' | 'and', given: readonly Regex[], neutral: Regex, absorbing: Regex): Regex {
    this.spent += given.length;
    const parts = new Map<number, Regex>();
    for (const part of given) {
      const flat = part.kind === kind ? part.parts : [part];
      this.spent += flat.length;
      for (const each of flat) {
        if (each === absorbing) return absorbing;
        if (each !== neutral) parts.set(each.id, each);
      }
      if (parts.size > maxParts) {
        this.spent = Number.POSITIVE_INFINITY;
        return absorbing;
      }
    }
    const sorted = [...parts.values()].sort((a, b) => a.id - b.id);
    const [only] = sorted;
    if (only === undefined) return neutral;
    if (sorted.length === 1) return only;
    const nullable =
      kind === 'or' ? sorted.some((each) => each.nullable) : sorted.every((each) => each.nullable);
    return this.#make(`${kind}${sorted.map(({ id }) => id).join()}`, { kind, parts: sorted }, nullable);
  }

  #make(key: string, shape: Shape, nullable: boolean): Regex {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = { ...shape, id: this.#known.size, nullable } as Regex;
    this.#known.set(key, made);
    return made;
  }
}
