// Blanks between the parts of objects and arrays.
import { type Call, State } from '../rule.js';

/** Blanks in one place at most; 0: compact JSON. */
export type Blanks = number;

/** Eight levels of indentation by two. */
export const looseBlanks: Blanks = 17;

/** The state behind blanks, of which there may be none. */
export function behindBlanks(blanks: Blanks, state: State): State {
  return blanks === 0 ? state : new Blank(state, blanks);
}

class Blank extends State {
  override readonly height: number;
  override readonly calls: readonly Call[];
  readonly #behind: State;
  readonly #left: number;

  constructor(behind: State, left: number) {
    super();
    this.#behind = behind;
    this.#left = left;
    this.height = behind.height;
    this.calls = behind.calls;
  }

  protected override read(byte: number): State | null {
    const isBlank = byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    if (isBlank) return this.#left === 0 ? null : new Blank(this.#behind, this.#left - 1);
    return this.#behind.step(byte);
  }
}

/** A place where a value is read and nothing else. */
export class ValueState extends State {
  override readonly height: number;
  override readonly calls: readonly Call[];

  constructor(calls: readonly Call[]) {
    super();
    this.calls = calls;
    const heights = calls.map(({ rule, behind }) => Math.max(rule.height + 1, behind.height));
    this.height = Math.min(...heights);
  }

  protected override read(): State | null {
    return null;
  }
}
