// The names of an object's properties in the order of their bytes, so that those which begin alike are a range.
import { Pace, type Pausing, sortedInSlices } from '../slices.js';
import { compareTexts, spellingOf } from './text.js';

export interface NameTable {
  /** Spellings of names in the order of their bytes. */
  readonly names: readonly string[];
  /** Properties by the rank of their names. */
  readonly order: Int32Array;
  /** Ranks by property. */
  readonly ranks: Int32Array;
}

/** @param names of the properties, no two alike */
export function* nameTable(names: readonly string[]): Pausing<NameTable> {
  const pace = new Pace();
  const spelled: { readonly text: string; readonly index: number }[] = [];
  for (const [index, name] of names.entries()) {
    spelled.push({ text: spellingOf(name), index });
    if (pace.dueText(name.length)) yield;
  }
  const sorted = yield* sortedInSlices(spelled, (a, b) => compareTexts(a.text, b.text));
  const ranks = new Int32Array(names.length);
  for (const [rank, { index }] of sorted.entries()) ranks[index] = rank;
  return {
    names: sorted.map(({ text }) => text),
    order: Int32Array.from(sorted, ({ index }) => index),
    ranks,
  };
}

/** Bytes of memory, estimated. */
export function bytesOfNames({ names }: NameTable): number {
  return names.reduce((sum, name) => sum + name.length + 40, 0);
}
