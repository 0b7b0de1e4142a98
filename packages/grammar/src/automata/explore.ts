// A finite automaton as a table, from a way to step: every state is visited, and those that lead to no end are cut off, so
// that a text once begun can be completed. The number of states is bounded; the caller learns when it is not enough.
import type { Pausing } from '../slices.js';
import type { CharacterClasses } from './characters.js';

export interface Steps<S> {
  readonly start: S;
  /** Equal for equal states. */
  readonly key: (state: S) => string | number;
  /** null: nothing fits. */
  readonly step: (state: S, characterClass: number, code: number) => S | null;
  /** What `step` looks up, computed in slices where it may be much. */
  readonly prepare?: (state: S, characterClass: number, code: number) => Pausing<void>;
  /** A number from 0 that says what kind of text ends here; -1: none does. */
  readonly label: (state: S) => number;
  /** What steps have cost so far, in any unit, and what they may. */
  readonly cost?: { readonly spent: () => number; readonly limit: number };
}

/** States are numbers from 0, the start. */
export interface Automaton {
  readonly classes: CharacterClasses;
  /** [states * classes]; -1: nothing fits. */
  readonly table: Int32Array;
  /** -1 where no text ends. */
  readonly labels: Int32Array;
  /** Characters of the shortest text from here. */
  readonly distances: Int32Array;
  /** Texts from here, counted to 1e9; Infinity. */
  readonly completions: Float64Array;
}

/** States times classes of one automaton: 2 MB of table. */
const maxCells = 500_000;
/** Steps between two pauses. */
const stepsPerPause = 32;
/** Cost of steps between two pauses. */
const costPerPause = 2000;
/** Cells that are looked at between two pauses. */
const cellsPerPause = 2 ** 14;

/**
 * Pauses after every few steps.
 * @param limit states at most
 * @returns null where no text fits; `tooLarge` beyond the limit
 */
export function* explore<S>(
  steps: Steps<S>,
  classes: CharacterClasses,
  limit: number,
): Pausing<Automaton | null | 'tooLarge'> {
  const states: S[] = [steps.start];
  const known = new Map<string | number, number>([[steps.key(steps.start), 0]]);
  const rows: Int32Array[] = [];
  const { cost } = steps;
  let taken = 0;
  let paid = cost?.spent() ?? 0;
  for (let index = 0; index < states.length; index += 1) {
    if (index * classes.count > maxCells) return 'tooLarge';
    const state = states[index] as S;
    const row = new Int32Array(classes.count).fill(-1);
    for (let each = 0; each < classes.count; each += 1) {
      taken += 1;
      const spent = cost?.spent() ?? 0;
      if (taken % stepsPerPause === 0 || spent - paid >= costPerPause) {
        paid = spent;
        yield;
      }
      const code = classes.representatives[each] as number;
      if (steps.prepare !== undefined) yield* steps.prepare(state, each, code);
      const next = steps.step(state, each, code);
      if (cost !== undefined && cost.spent() > cost.limit) return 'tooLarge';
      if (next === null) continue;
      const key = steps.key(next);
      let found = known.get(key);
      if (found === undefined) {
        if (states.length >= limit) return 'tooLarge';
        found = states.length;
        known.set(key, found);
        states.push(next);
      }
      row[each] = found;
    }
    rows.push(row);
  }
  const automaton = yield* finish(rows, Int32Array.from(states, steps.label), classes);
  return (automaton.distances[0] as number) < unreachable ? automaton : null;
}

const unreachable = 0x7fffffff;

function* finish(
  rows: readonly Int32Array[],
  labels: Int32Array,
  classes: CharacterClasses,
): Pausing<Automaton> {
  const count = rows.length;
  const rowsPerPause = Math.ceil(cellsPerPause / classes.count);
  const distances = new Int32Array(count).fill(unreachable);
  const before: number[][] = Array.from({ length: count }, () => []);
  for (const [from, row] of rows.entries()) {
    for (const to of new Set(row)) if (to >= 0) before[to]?.push(from);
    if ((from + 1) % rowsPerPause === 0) yield;
  }
  const queue: number[] = [];
  for (let state = 0; state < count; state += 1) {
    if ((labels[state] as number) < 0) continue;
    distances[state] = 0;
    queue.push(state);
  }
  for (const [index, state] of queue.entries()) {
    if ((index + 1) % rowsPerPause === 0) yield;
    for (const from of before[state] ?? []) {
      if ((distances[from] as number) < unreachable) continue;
      distances[from] = (distances[state] as number) + 1;
      queue.push(from);
    }
  }
  const table = new Int32Array(count * classes.count);
  for (const [from, row] of rows.entries()) {
    if ((from + 1) % rowsPerPause === 0) yield;
    for (const [each, to] of row.entries()) {
      table[from * classes.count + each] = to >= 0 && (distances[to] as number) < unreachable ? to : -1;
    }
  }
  let completions: Float64Array | null = null;
  return {
    classes,
    table,
    labels,
    distances,
    get completions() {
      completions ??= counted(table, labels, classes);
      return completions;
    },
  };
}

/** Beyond, a count says nothing. */
const maxCount = 1e9;

/** Texts from each state: those on a way to a cycle have no end of them. States are settled from the ends backwards. */
function counted(table: Int32Array, labels: Int32Array, classes: CharacterClasses): Float64Array {
  const count = labels.length;
  const open = new Int32Array(count);
  /** Edges into a state lie from `first[state]` to `first[state + 1]`. */
  const first = new Int32Array(count + 1);
  for (const [cell, to] of table.entries()) {
    if (to < 0) continue;
    const from = Math.floor(cell / classes.count);
    open[from] = (open[from] as number) + 1;
    first[to + 1] = (first[to + 1] as number) + 1;
  }
  for (let state = 0; state < count; state += 1)
    first[state + 1] = (first[state + 1] as number) + (first[state] as number);
  const filled = first.slice();
  const cells = new Int32Array(first[count] as number);
  for (const [cell, to] of table.entries()) {
    if (to < 0) continue;
    const at = filled[to] as number;
    cells[at] = cell;
    filled[to] = at + 1;
  }
  const sums = Float64Array.from(labels, (label) => (label < 0 ? 0 : 1));
  const queue: number[] = [];
  for (let state = 0; state < count; state += 1) if (open[state] === 0) queue.push(state);
  for (const state of queue) {
    for (const cell of cells.subarray(first[state], first[state + 1])) {
      const from = Math.floor(cell / classes.count);
      const size = classes.sizes[cell % classes.count] as number;
      sums[from] = Math.min(maxCount, (sums[from] as number) + size * (sums[state] as number));
      open[from] = (open[from] as number) - 1;
      if (open[from] === 0) queue.push(from);
    }
  }
  return sums.map((sum, state) => (open[state] === 0 ? sum : Number.POSITIVE_INFINITY));
}

/** The state behind a character; -1 where it does not fit. */
export function follow({ classes, table }: Automaton, state: number, character: string): number {
  const characterClass = classes.of(character.codePointAt(0) ?? 0);
  return characterClass < 0 ? -1 : (table[state * classes.count + characterClass] as number);
}
