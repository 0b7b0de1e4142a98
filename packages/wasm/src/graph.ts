// What a step records: operations and what they read. Nothing runs until something is read or the step ends; then the
// recorded operations become one program. The memory of an activation is used again after its last recorded reader; who
// asks for it later has it computed anew, which gives the same numbers.
import type { Program } from './program.js';

export interface Recorded {
  readonly rows: number;
  /** Float32 words of a row. */
  readonly columns: number;
  readonly inputs: readonly Node[];
  /** Writes the operation's words; returns the address of its result. */
  emit(program: Program): number;
}

export class Node {
  readonly rows: number;
  readonly columns: number;
  readonly inputs: readonly Node[];
  /** Where its numbers lie; null: not computed, or given up. */
  address: number | null = null;
  /** Recorded operations that read it. */
  readers = 0;
  /** Has been or is to be read by the host. */
  wanted = false;
  /** Has run at least once, so that its effects on caches are done. */
  ran = false;
  readonly #emit: (program: Program) => number;

  constructor({ rows, columns, inputs, emit }: Recorded) {
    this.rows = rows;
    this.columns = columns;
    this.inputs = inputs;
    this.#emit = emit;
    for (const input of inputs) input.readers++;
  }

  get bytes(): number {
    return 4 * this.rows * this.columns;
  }

  emit(program: Program): void {
    this.address = this.#emit(program);
    this.ran = true;
  }
}

/** The recorded operations of one step, in order. */
export class Graph {
  readonly #nodes: Node[] = [];

  record(operation: Recorded): Node {
    const node = new Node(operation);
    this.#nodes.push(node);
    return node;
  }

  /** Writes a program of all that has not run, and of what is wanted again; returns whether there was anything. */
  compile(program: Program): boolean {
    const due = this.#due();
    const readers = new Map<Node, number>();
    for (const node of due) {
      for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
    }
    for (const node of due) {
      program.begin(readers);
      node.emit(program);
      for (const input of node.inputs) {
        const left = (readers.get(input) ?? 0) - 1;
        readers.set(input, left);
        if (left === 0 && !input.wanted) program.release(input);
      }
    }
    // what outlives the program is read by the host, or by a program that knows no shares
    for (const node of due) if (node.address !== null) program.addressOf(node);
    return due.length > 0;
  }

  /** In the order in which they were recorded. */
  #due(): Node[] {
    const due = new Set<Node>();
    const add = (first: Node): void => {
      for (const stack = [first]; stack.length > 0; ) {
        const node = stack.pop() as Node;
        if (due.has(node)) continue;
        due.add(node);
        stack.push(...node.inputs.filter((input) => input.address === null));
      }
    };
    for (const node of this.#nodes) if (!node.ran || (node.wanted && node.address === null)) add(node);
    return this.#nodes.filter((node) => due.has(node));
  }
}
