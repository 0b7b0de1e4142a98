// What a step records: operations and what they read. Nothing runs until something is read or the step ends; then the
// recorded operations become one program. The memory of a value is used again after its last recorded reader; where it is
// asked for later it is computed again, which gives the same numbers.
import type { Program } from './program.js';
import { Value } from './value.js';

export interface Recorded {
  readonly rows: number;
  /** Float32 words of a row. */
  readonly columns: number;
  readonly inputs: readonly Value[];
  /** Writes the operation's instructions; returns the address of its result. */
  emit(program: Program): number;
}

/** An operation and its result. */
interface Entry {
  readonly operation: Recorded;
  readonly value: Value;
}

/** The recorded operations of one step, in order. */
export class Graph {
  readonly #entries: Entry[] = [];

  record(operation: Recorded): Value {
    const value = new Value(operation.rows, operation.columns, operation.inputs);
    this.#entries.push({ operation, value });
    return value;
  }

  /** Writes a program of all that has not run, and of what is wanted again; returns whether there was anything. */
  compile(program: Program): boolean {
    const due = this.#due();
    for (const { value } of due) value.readers = 0;
    for (const { value } of due) for (const input of value.inputs) input.readers++;
    for (const { value, operation } of due) {
      value.address = operation.emit(program);
      value.ran = true;
      for (const input of value.inputs) {
        input.readers--;
        if (input.readers === 0 && !input.wanted) program.release(input);
      }
    }
    // what outlives the program is read by the host, or by a program that knows no shares
    for (const { value } of due) if (value.address !== null) program.addressOf(value);
    return due.length > 0;
  }

  /** In the order in which they were recorded. */
  #due(): readonly Entry[] {
    if (this.#entries.every(({ value }) => !value.ran)) return this.#entries;
    const due = new Set<Value>();
    const add = (first: Value): void => {
      for (const stack = [first]; stack.length > 0; ) {
        const value = stack.pop() as Value;
        if (due.has(value)) continue;
        due.add(value);
        stack.push(...value.inputs.filter((input) => input.address === null));
      }
    };
    for (const { value } of this.#entries)
      if (!value.ran || (value.wanted && value.address === null)) add(value);
    return this.#entries.filter(({ value }) => due.has(value));
  }
}
