// A grammar over bytes as rules that call one another. A rule's text is read by states, each made when a text first comes
// to it; a state says what bytes lead on, what rules may be read in its place, and whether the text may end. Nothing is
// laid out before it is used, so a bound of a million characters costs what is read of it.

export interface Call {
  readonly rule: Rule;
  /** Where the calling rule goes on. */
  readonly behind: State;
}

let ids = 0;

/** A place within a text of one rule. */
export abstract class State {
  /** Different for each state; never used twice. */
  readonly id: number;
  /** The rule's text may end here. */
  readonly final: boolean = false;
  /** Levels of objects and arrays that have to be opened below before the text can end. */
  readonly height: number = 0;
  /** Rules that may be read here. */
  readonly calls: readonly Call[] = noCalls;
  /** Belongs to rules that all grammars share. */
  readonly shared: boolean = false;
  #next: Map<number, State | null> | null = null;
  #completions: number | null = null;

  constructor() {
    ids += 1;
    this.id = ids;
  }

  /** Texts that lead from here to the end, at least; the empty one counts. Infinity where there is no bound. */
  get completions(): number {
    this.#completions ??= this.count();
    return this.#completions;
  }

  protected count(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** The state behind a byte; null where none of the rule's texts goes on with it. */
  step(byte: number): State | null {
    this.#next ??= new Map();
    const known = this.#next.get(byte);
    if (known !== undefined) return known;
    const next = this.read(byte);
    this.#next.set(byte, next);
    return next;
  }

  /** A state that no text of `length` bytes tells from this one, and that serves many such states. */
  standIn(_length: number): State {
    return this;
  }

  protected abstract read(byte: number): State | null;
}

const noCalls: readonly Call[] = [];

/** The end of a rule's text. */
export class EndState extends State {
  override readonly final = true;
  protected override count(): number {
    return 1;
  }

  protected override read(): State | null {
    return null;
  }
}

/** Texts of one kind. */
export abstract class Rule {
  /** Levels of objects and arrays of its flattest text; Infinity while none is known. */
  height = Number.POSITIVE_INFINITY;
  /** Why no text fits, where it is known. */
  why: string | null = null;
  #starts: readonly State[] | null = null;

  /** Where its texts begin. */
  get starts(): readonly State[] {
    this.#starts ??= this.begin();
    return this.#starts;
  }

  /** Rules that it is made of, and one: what measuring it costs. */
  get parts(): number {
    return 1;
  }

  /** Some text fits. */
  get inhabited(): boolean {
    return this.height < Number.POSITIVE_INFINITY;
  }

  /** Forgets the states that were made; those in use stay usable. */
  forget(): void {
    this.#starts = null;
  }

  /** The height that the heights of other rules imply. */
  abstract measure(): number;
  protected abstract begin(): readonly State[];
}

/** A rule without containers, whose texts a finite automaton reads. */
export class LeafRule extends Rule {
  readonly #start: (() => State) | null;

  /** @param start null: no text fits */
  constructor(start: (() => State) | null, why: string | null = null) {
    super();
    this.#start = start;
    this.why = why;
    this.height = this.measure();
  }

  override measure(): number {
    return this.#start === null ? Number.POSITIVE_INFINITY : 0;
  }

  protected override begin(): readonly State[] {
    return this.#start === null ? [] : [this.#start()];
  }
}

export interface Grammar {
  readonly root: Rule;
  readonly rules: readonly Rule[];
  /** Bytes of memory that rules hold before anything is read, estimated. */
  readonly bytes: number;
  /** Formats of the schema that are not known: texts of any form fit them. */
  readonly annotations: readonly string[];
}
