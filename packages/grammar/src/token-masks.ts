// Which tokens can come next. What a token does within the rule that is being read depends on the rule's state alone, so
// that part is computed once for a state (within a string it is mostly the same one) and kept; tokens that go on behind
// the rule's end are read on from there, for each position (Dong et al., XGrammar, arXiv 2411.15100).
import { BoundedMap } from './bounded-map.js';
import { type Position, Recognizer } from './recognizer.js';
import type { State } from './rule.js';
import { Pace, type Pausing } from './slices.js';
import type { TokenTable } from './token-table.js';

/** Tokens that a state allows. */
interface StateMask {
  /** One bit a token that ends within the rule, or with it. */
  readonly bits: Uint32Array;
  /** Places in the table, and bytes read, of tokens that go on behind the rule's end: pairs. */
  readonly exits: Int32Array;
}

/** Bytes of masks of states, and of positions, that a grammar remembers. */
const maxStateBytes = 2 ** 21;
const maxPositionBytes = 2 ** 20;
/** Bytes of masks that all grammars of a vocabulary share. */
const maxSharedBytes = 2 ** 21;
/** Words of a mask that are joined in the time of a unit. */
const wordsPerUnit = 256;
/** Bytes of an entry beside its numbers. */
const overhead = 200;

const shared = new WeakMap<TokenTable, BoundedMap<State, StateMask>>();

export class TokenMasks {
  readonly #recognizer: Recognizer;
  readonly #table: TokenTable;
  readonly #states = new BoundedMap<State, StateMask>(maxStateBytes, bytesOfState);
  readonly #positions = new BoundedMap<Position, Uint32Array>(
    maxPositionBytes,
    (mask) => mask.byteLength + overhead,
  );
  readonly #shared: BoundedMap<State, StateMask>;
  readonly #pace = new Pace();
  #followed = 0;

  constructor(recognizer: Recognizer, table: TokenTable) {
    this.#recognizer = recognizer;
    this.#table = table;
    this.#shared = shared.get(table) ?? new BoundedMap(maxSharedBytes, bytesOfState);
    shared.set(table, this.#shared);
  }

  /** Bytes that are remembered. */
  get bytes(): number {
    return this.#states.size + this.#positions.size;
  }

  /** One bit a token, 32 a word, low bits first; undefined: not computed yet. */
  known(position: Position): Uint32Array | undefined {
    return this.#positions.get(position);
  }

  /** Computes a mask; pauses after every few tokens. */
  *compute(position: Position): Pausing<Uint32Array> {
    const mask = new Uint32Array(Math.ceil(this.#table.size / 32));
    if (Recognizer.room(position.depth) <= this.#table.openings) {
      // How deep values may nest depends on where they are.
      yield* this.#walk(
        position,
        (id) => set(mask, id),
        () => undefined,
      );
    } else {
      for (const { frame, state } of position.configurations) {
        const { bits, exits } = yield* this.#ofState(state.standIn(this.#table.longest));
        for (let word = 0; word < mask.length; word += 1)
          mask[word] = (mask[word] as number) | (bits[word] as number);
        if (this.#due(mask.length / wordsPerUnit)) yield;
        if (frame === null || exits.length === 0) continue;
        const behind = this.#recognizer.position([{ state: frame.behind, frame: frame.parent }]);
        yield* this.#readOn(behind, exits, mask);
      }
    }
    this.#positions.set(position, mask);
    return mask;
  }

  /** Whether to pause: counted are tokens, and the ways to read them that the recognizer has followed meanwhile. */
  #due(units: number): boolean {
    const { spent } = this.#recognizer;
    const followed = spent - this.#followed;
    this.#followed = spent;
    return this.#pace.due(units + followed);
  }

  *#ofState(state: State): Pausing<StateMask> {
    const masks = state.shared ? this.#shared : this.#states;
    const known = masks.get(state);
    if (known !== undefined) return known;
    const bits = new Uint32Array(Math.ceil(this.#table.size / 32));
    const exits: number[] = [];
    const alone = {
      accepting: false,
      complete: false,
      next: [],
      configurations: [{ state, frame: null }],
      depth: 0,
    };
    yield* this.#walk(
      alone,
      (id) => set(bits, id),
      (place, read) => exits.push(place, read),
    );
    const made = { bits, exits: Int32Array.from(exits) };
    masks.set(state, made);
    return made;
  }

  /** Reads tokens one after the other; a beginning that fails is skipped with all that share it. */
  *#walk(
    start: Position,
    fits: (id: number) => void,
    exits: (place: number, read: number) => void,
  ): Pausing<void> {
    const { common, data, ids, starts } = this.#table;
    /** Positions behind the first bytes of the token before. */
    const path: Position[] = [start];
    for (let place = 0; place < ids.length; ) {
      if (this.#due(1)) yield;
      const begin = starts[place] as number;
      const length = (starts[place + 1] as number) - begin;
      path.length = Math.min(path.length, (common[place] as number) + 1);
      while (path.length <= length) {
        const next = this.#recognizer.step(path.at(-1) as Position, data[begin + path.length - 1] as number);
        if (this.#due(0)) yield;
        if (next === null) break;
        path.push(next);
      }
      const read = path.length - 1;
      for (let end = 1; end <= read && end < length; end += 1) {
        if ((path[end] as Position).accepting) exits(place, end);
      }
      const id = ids[place] as number;
      place += 1;
      if (read === length) {
        fits(id);
        continue;
      }
      // Those that begin as this one up to where it failed fail too; those that leave the rule before do so as well.
      for (; place < ids.length && (common[place] as number) > read; place += 1) {
        for (let end = 1; end <= read; end += 1) if ((path[end] as Position).accepting) exits(place, end);
        if (this.#due(1)) yield;
      }
    }
  }

  *#readOn(behind: Position, exits: Int32Array, mask: Uint32Array): Pausing<void> {
    const { data, starts } = this.#table;
    for (let index = 0; index < exits.length; index += 2) {
      if (this.#due(1)) yield;
      const place = exits[index] as number;
      const end = starts[place + 1] as number;
      let at: Position | null = behind;
      for (
        let read = (starts[place] as number) + (exits[index + 1] as number);
        read < end && at !== null;
        read += 1
      ) {
        at = this.#recognizer.step(at, data[read] as number);
      }
      if (at !== null) set(mask, this.#table.ids[place] as number);
    }
  }
}

function set(mask: Uint32Array, id: number): void {
  mask[id >>> 5] = (mask[id >>> 5] as number) | (1 << (id & 31));
}

function bytesOfState({ bits, exits }: StateMask): number {
  return bits.byteLength + exits.byteLength + overhead;
}
