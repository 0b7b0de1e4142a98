// Reads bytes along a grammar, all possibilities at once. A configuration is a state with the states to return to; a
// position is the set of all that fit what was read. Positions are made once and found again, and each remembers where
// its bytes lead, so the recognizer becomes a deterministic automaton as it is used.
import { MoeqError } from '@moeq/tensors';
import type { Grammar, Rule, State } from './rule.js';

/** Objects and arrays within each other. */
const maxDepth = 100;
/** Positions remembered, some 3 kB each; beyond, all are forgotten and made again. */
const maxPositions = 2000;
/** Ways to read a text at a time: more than schemas have, few enough to follow. */
const maxConfigurations = 4096;

/** The state to return to, and those behind it. */
interface Frame {
  readonly id: number;
  readonly behind: State;
  readonly parent: Frame | null;
  readonly depth: number;
}

export interface Configuration {
  readonly state: State;
  readonly frame: Frame | null;
}

export interface Position {
  /** The text may end here. */
  readonly accepting: boolean;
  /** The text has to end here. */
  readonly complete: boolean;
  /** Where byte b leads; null: nowhere; undefined: not asked yet. */
  readonly next: (Position | null | undefined)[];
  /** Those that can read a byte. */
  readonly configurations: readonly Configuration[];
  /** Frames at most. */
  readonly depth: number;
}

export class Recognizer {
  readonly grammar: Grammar;
  readonly #frames = new Map<string, Frame>();
  readonly #positions = new Map<string, Position>();
  #ids = 0;
  #spent = 0;

  constructor(grammar: Grammar) {
    this.grammar = grammar;
  }

  get start(): Position {
    return this.position(this.grammar.root.starts.map((state) => ({ state, frame: null })));
  }

  /** Positions that are remembered. */
  get size(): number {
    return this.#positions.size;
  }

  /** Configurations that were followed so far: what reading costs. */
  get spent(): number {
    return this.#spent;
  }

  /** Levels that may still be opened at a depth. */
  static room(depth: number): number {
    return maxDepth - depth;
  }

  /** The position behind a byte; null where the grammar forbids it. */
  step(position: Position, byte: number): Position | null {
    const known = position.next[byte];
    if (known !== undefined) return known;
    this.#spent += position.configurations.length;
    const targets: Configuration[] = [];
    for (const { state, frame } of position.configurations) {
      const next = state.step(byte);
      if (next !== null && next.height <= maxDepth - (frame?.depth ?? 0))
        targets.push({ state: next, frame });
    }
    const next = targets.length === 0 ? null : this.position(targets);
    position.next[byte] = next;
    return next;
  }

  /**
   * Everything that can be reached without a byte, kept where a byte can be read.
   * @throws MoeqError where a text can be read in too many ways
   */
  position(from: readonly Configuration[]): Position {
    const seen = new Map<string, Configuration>();
    const queue: Configuration[] = [];
    const add = (state: State, frame: Frame | null): void => {
      const key = `${state.id}:${frame?.id ?? 0}`;
      if (seen.has(key)) return;
      if (queue.length >= maxConfigurations) throw ambiguous();
      const configuration = { state, frame };
      seen.set(key, configuration);
      queue.push(configuration);
    };
    for (const { state, frame } of from) add(state, frame);
    let accepting = false;
    let depth = 0;
    for (const { state, frame } of queue) {
      depth = Math.max(depth, frame?.depth ?? 0);
      for (const { rule, behind } of state.calls) this.#call(rule, behind, frame, add);
      if (!state.final) continue;
      if (frame === null) accepting = true;
      else add(frame.behind, frame.parent);
    }
    this.#spent += queue.length;
    const key = `${accepting ? 1 : 0}:${[...seen.keys()].sort().join()}`;
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    if (this.#positions.size >= maxPositions) this.forget();
    const complete = accepting && queue.every(({ state }) => state.calls.length === 0 && isEnd(state));
    const position = { accepting, complete, next: [], configurations: queue, depth };
    this.#positions.set(key, position);
    return position;
  }

  /** Positions in use stay usable; they only lose the way to be found again. Ids go on, so none is taken for another. */
  forget(): void {
    this.#positions.clear();
    this.#frames.clear();
    for (const rule of this.grammar.rules) rule.forget();
  }

  #call(
    rule: Rule,
    behind: State,
    parent: Frame | null,
    add: (state: State, frame: Frame | null) => void,
  ): void {
    const room = maxDepth - (parent?.depth ?? 0) - 1;
    if (rule.height > room) return;
    const frame = this.#frame(behind, parent);
    for (const state of rule.starts) if (state.height <= room) add(state, frame);
  }

  #frame(behind: State, parent: Frame | null): Frame {
    const key = `${behind.id}:${parent?.id ?? 0}`;
    const known = this.#frames.get(key);
    if (known !== undefined) return known;
    this.#ids += 1;
    const made = { id: this.#ids, behind, parent, depth: (parent?.depth ?? 0) + 1 };
    this.#frames.set(key, made);
    return made;
  }
}

function isEnd(state: State): boolean {
  return state.final && state.completions === 1;
}

function ambiguous(): MoeqError {
  return new MoeqError({
    operation: 'follow the grammar',
    subject: 'the text so far',
    expected: `at most ${maxConfigurations} ways to read it`,
    found: 'more (alternatives of the schema that begin alike)',
  });
}
