// Reads bytes along a grammar, all possibilities at once. A configuration is a state with the states to return to; a
// position is the set of all that fit what was read. Configurations and positions are made once and found again, and each
// position remembers where its bytes lead, so the recognizer becomes a deterministic automaton as it is used.
import type { Grammar } from './grammar.js';

/** Returns that wait at most: some 70 values within each other. */
const maxDepth = 200;
/** Positions remembered; beyond, all are forgotten and made again. */
const maxPositions = 50_000;

/** The states to return to, last first. */
interface Frame {
  readonly id: number;
  readonly state: number;
  readonly parent: Frame | null;
  readonly depth: number;
}

interface Configuration {
  readonly id: number;
  readonly state: number;
  readonly frame: Frame | null;
}

export interface Position {
  /** The text may end here. */
  readonly accepting: boolean;
  /** The text has to end here. */
  readonly complete: boolean;
  /** Where byte b leads; null: nowhere; undefined: not asked yet. */
  readonly next: (Position | null | undefined)[];
  readonly configurations: readonly Configuration[];
}

export class Recognizer {
  readonly #grammar: Grammar;
  readonly #frames = new Map<string, Frame>();
  readonly #configurations = new Map<string, Configuration>();
  readonly #positions = new Map<string, Position>();
  readonly start: Position;
  #ids = 0;

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    this.start = this.#position([this.#configuration(grammar.rules[grammar.root] ?? 0, null)]);
  }

  /** The position behind a byte; null where the grammar forbids it. */
  step(position: Position, byte: number): Position | null {
    const known = position.next[byte];
    if (known !== undefined) return known;
    const targets: Configuration[] = [];
    for (const { state, frame } of position.configurations) {
      for (const { low, high, to } of this.#grammar.states[state]?.edges ?? []) {
        if (low <= byte && byte <= high) targets.push(this.#configuration(to, frame));
      }
    }
    const next = targets.length === 0 ? null : this.#position(targets);
    position.next[byte] = next;
    return next;
  }

  /** Everything that can be reached without a byte, kept where a byte can be read. */
  #position(from: readonly Configuration[]): Position {
    const seen = new Set<Configuration>(from);
    const reading: Configuration[] = [];
    let accepting = false;
    for (const { state: index, frame } of seen) {
      const state = this.#grammar.states[index];
      if (state === undefined) continue;
      if (state.edges.length > 0) reading.push(this.#configuration(index, frame));
      for (const to of state.empty) seen.add(this.#configuration(to, frame));
      for (const { rule, to } of state.calls) {
        if ((frame?.depth ?? 0) >= maxDepth) continue;
        seen.add(this.#configuration(this.#grammar.rules[rule] ?? 0, this.#frame(to, frame)));
      }
      if (!state.final) continue;
      if (frame === null) accepting = true;
      else seen.add(this.#configuration(frame.state, frame.parent));
    }
    reading.sort((a, b) => a.id - b.id);
    const key = `${accepting ? 1 : 0}:${reading.map(({ id }) => id).join()}`;
    const known = this.#positions.get(key);
    if (known !== undefined) return known;
    if (this.#positions.size >= maxPositions) this.#forget();
    const position = {
      accepting,
      complete: accepting && reading.length === 0,
      next: [],
      configurations: reading,
    };
    this.#positions.set(key, position);
    return position;
  }

  #configuration(state: number, frame: Frame | null): Configuration {
    const key = `${state}:${frame?.id ?? 0}`;
    const known = this.#configurations.get(key);
    if (known !== undefined) return known;
    this.#ids += 1;
    const made = { id: this.#ids, state, frame };
    this.#configurations.set(key, made);
    return made;
  }

  #frame(state: number, parent: Frame | null): Frame {
    const key = `${state}:${parent?.id ?? 0}`;
    const known = this.#frames.get(key);
    if (known !== undefined) return known;
    this.#ids += 1;
    const made = { id: this.#ids, state, parent, depth: (parent?.depth ?? 0) + 1 };
    this.#frames.set(key, made);
    return made;
  }

  /** Positions in use stay usable; they only lose the way to be found again. Ids go on, so none is taken for another. */
  #forget(): void {
    this.#positions.clear();
    this.#configurations.clear();
    this.#frames.clear();
  }
}
