// Texts of ASCII that a finite automaton reads byte by byte: numbers.
import type { Automaton } from '../automata/explore.js';
import { LeafRule, State } from '../rule.js';

/** @param automaton null: no text fits */
export function tableRule(automaton: Automaton | null, why: string | null = null): LeafRule {
  if (automaton === null) return new LeafRule(null, why);
  return new LeafRule(() => new Table(automaton).at(0));
}

class Table {
  readonly automaton: Automaton;
  readonly #states = new Map<number, TableState>();

  constructor(automaton: Automaton) {
    this.automaton = automaton;
  }

  at(index: number): TableState {
    const state = this.#states.get(index) ?? new TableState(this, index);
    this.#states.set(index, state);
    return state;
  }
}

class TableState extends State {
  override readonly final: boolean;
  readonly #table: Table;
  readonly #index: number;

  constructor(table: Table, index: number) {
    super();
    this.#table = table;
    this.#index = index;
    this.final = (table.automaton.labels[index] as number) >= 0;
  }

  protected override count(): number {
    return this.#table.automaton.completions[this.#index] as number;
  }

  protected override read(byte: number): State | null {
    const { classes, table } = this.#table.automaton;
    const characterClass = byte < 0x80 ? classes.of(byte) : -1;
    if (characterClass < 0) return null;
    const next = table[this.#index * classes.count + characterClass] as number;
    return next < 0 ? null : this.#table.at(next);
  }
}
