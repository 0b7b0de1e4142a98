// A grammar over bytes as a recursive transition network: automata (rules) whose edges take a byte range, take nothing, or
// call another rule and go on behind it. Regular parts become states, recursion becomes calls; there is no parser to
// write and no token to lex, so tokens of a vocabulary may cut the text anywhere.
import { MoeqError } from '@moeq/tensors';

interface Edge {
  /** Bytes from `low` to `high`, both included. */
  readonly low: number;
  readonly high: number;
  readonly to: number;
}

interface Call {
  readonly rule: number;
  readonly to: number;
}

export interface State {
  readonly edges: Edge[];
  readonly empty: number[];
  readonly calls: Call[];
  /** A rule may end here. */
  final: boolean;
}

export interface Grammar {
  readonly states: readonly State[];
  /** First state of each rule. */
  readonly rules: readonly number[];
  /** The rule of the whole text. */
  readonly root: number;
}

/** Appends a part of an automaton behind a state; answers the state behind the part. */
export type Part = (from: number) => number;

/** Bounds memory to some 20 MB and the time of a compilation to a fraction of a second. */
const maxStates = 100_000;

export class GrammarBuilder {
  readonly #states: State[] = [];
  readonly #rules: number[] = [];

  state(): number {
    if (this.#states.length >= maxStates) throw tooLarge();
    return this.#states.push({ edges: [], empty: [], calls: [], final: false }) - 1;
  }

  /** A rule without a body, so that it can be called from within. */
  declare(): number {
    return this.#rules.push(this.state()) - 1;
  }

  define(rule: number, body: Part): number {
    this.#at(body(this.#rules[rule] ?? 0)).final = true;
    return rule;
  }

  rule(body: Part): number {
    return this.define(this.declare(), body);
  }

  edge(from: number, low: number, high: number, to = this.state()): number {
    this.#at(from).edges.push({ low, high, to });
    return to;
  }

  /** From one state to another without a byte. */
  link(from: number, to: number): void {
    if (from !== to) this.#at(from).empty.push(to);
  }

  call(rule: number): Part {
    return (from) => {
      const to = this.state();
      this.#at(from).calls.push({ rule, to });
      return to;
    };
  }

  bytes(low: number, high = low): Part {
    return (from) => this.edge(from, low, high);
  }

  text(text: string): Part {
    return (from) => new TextEncoder().encode(text).reduce((at, byte) => this.edge(at, byte, byte), from);
  }

  /** One of several texts; common beginnings are shared. */
  texts(texts: readonly string[]): Part {
    return (from) => {
      const end = this.state();
      const next = new Map<string, number>();
      for (const text of new Set(texts)) {
        let at = from;
        let path = '';
        for (const byte of new TextEncoder().encode(text)) {
          path += String.fromCharCode(byte);
          const known = next.get(path);
          at = known ?? this.edge(at, byte, byte);
          next.set(path, at);
        }
        this.link(at, end);
      }
      return end;
    };
  }

  sequence(...parts: readonly Part[]): Part {
    return (from) => parts.reduce((at, part) => part(at), from);
  }

  choice(parts: readonly Part[]): Part {
    return (from) => {
      const end = this.state();
      for (const part of parts) this.link(part(this.#behind(from)), end);
      return end;
    };
  }

  optional(part: Part): Part {
    return this.choice([part, (from) => from]);
  }

  star(part: Part): Part {
    return (from) => {
      const loop = this.#behind(from);
      this.link(part(loop), loop);
      return loop;
    };
  }

  /** @param max Infinity: without end */
  repeat(part: Part, min: number, max: number): Part {
    if (min > maxStates || (max !== Infinity && max > maxStates)) throw tooLarge();
    return (from) => {
      let at = from;
      for (let count = 0; count < min; count += 1) at = part(at);
      if (max === Infinity) return this.star(part)(at);
      const end = this.state();
      this.link(at, end);
      for (let count = min; count < max; count += 1) {
        at = part(at);
        this.link(at, end);
      }
      return end;
    };
  }

  build(root: number): Grammar {
    return { states: this.#states, rules: this.#rules, root };
  }

  #behind(from: number): number {
    const state = this.state();
    this.link(from, state);
    return state;
  }

  #at(index: number): State {
    return this.#states[index] as State;
  }
}

function tooLarge(): MoeqError {
  return new MoeqError({
    operation: 'compile',
    subject: 'the grammar',
    expected: `at most ${maxStates} states (smaller bounds of lengths and counts, fewer values)`,
    found: 'more',
  });
}
