// What a recorded operation gives: numbers in the heaps once it has run.
import type { Intake } from './load-matrix.js';

/** Activations as matrices of one intake take them: addresses. */
export interface Form extends Intake {
  readonly x: number;
  readonly stride: number;
  readonly scales: number;
  readonly sums: number;
}

export class Value {
  readonly rows: number;
  /** Float32 words of a row. */
  readonly columns: number;
  /** What the operation reads. */
  readonly inputs: readonly Value[];
  /** Where its numbers lie; null: not computed, or given up. */
  address: number | null = null;
  /** Has been or is to be read by the host. */
  wanted = false;
  /** Operations of the program being written that are still to read it. */
  readers = 0;
  /** What matrices of other intakes than float take in its place. */
  forms: Form[] = [];
  /** Has run at least once, so that its effects on caches are done. */
  ran = false;

  constructor(rows: number, columns: number, inputs: readonly Value[]) {
    this.rows = rows;
    this.columns = columns;
    this.inputs = inputs;
  }
}
