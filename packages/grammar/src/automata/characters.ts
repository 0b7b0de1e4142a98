// Sets of characters, and the classes that a few sets cut them into: two characters of a class are in the same sets, so an
// automaton needs one edge for both. Surrogates are no characters.

import { finished, Pace, type Pausing, sortedInSlices } from '../slices.js';

/** Code points from first to last, both included. */
export type CodeRange = readonly [first: number, last: number];

export const maxCodePoint = 0x10ffff;
export const allCharacters: readonly CodeRange[] = [
  [0, 0xd7ff],
  [0xe000, maxCodePoint],
];

/** Sorted and without overlap. */
function union(ranges: readonly CodeRange[]): CodeRange[] {
  const result: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else result.push([first, last]);
  }
  return result;
}

/** What is in both; both sorted. */
function intersect(a: readonly CodeRange[], b: readonly CodeRange[]): CodeRange[] {
  const result: CodeRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [one, other] = [a[i] as CodeRange, b[j] as CodeRange];
    const [first, last] = [Math.max(one[0], other[0]), Math.min(one[1], other[1])];
    if (first <= last) result.push([first, last]);
    if (one[1] < other[1]) i += 1;
    else j += 1;
  }
  return result;
}

/** Characters that are not in a set. */
export function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const gaps: CodeRange[] = [];
  let next = 0;
  for (const [first, last] of union(ranges)) {
    if (first > next) gaps.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= maxCodePoint) gaps.push([next, maxCodePoint]);
  return intersect(gaps, allCharacters);
}

/** Intervals that sets cover, all together. */
const maxCovered = 3_000_000;

/**
 * Classes of the characters that some sets tell apart: each set splits every class that lies partly in it.
 * @returns null where there are too many
 */
export function* classesOf(sets: readonly (readonly CodeRange[])[]): Pausing<CharacterClasses | null> {
  const pace = new Pace();
  const bounds = new Set([0]);
  for (const set of [...sets, allCharacters]) {
    for (const [first, last] of set) bounds.add(first).add(last + 1);
    if (pace.due(set.length)) yield;
  }
  bounds.delete(maxCodePoint + 1);
  const firsts = yield* sortedInSlices(bounds, (a, b) => a - b);
  const places = new Map(firsts.map((first, index) => [first, index]));
  const classes = new Int32Array(firsts.length);
  let [count, covered] = [1, 0];
  for (const set of [...sets, allCharacters]) {
    const split = new Map<number, number>();
    for (const [first, last] of union(set)) {
      const end = places.get(last + 1) ?? firsts.length;
      for (let index = places.get(first) ?? 0; index < end; index += 1) {
        const old = classes[index] as number;
        const inside = split.get(old) ?? count;
        if (inside === count) count += 1;
        split.set(old, inside);
        classes[index] = inside;
        covered += 1;
        if (pace.due(1 / 8)) yield;
      }
      if (covered > maxCovered) return null;
    }
  }
  const known = new Map<number, number>();
  for (const [index, old] of classes.entries()) {
    const isNone = (firsts[index] as number) >= 0xd800 && (firsts[index] as number) < 0xe000;
    const each = isNone ? -1 : (known.get(old) ?? known.size);
    if (!isNone) known.set(old, each);
    classes[index] = each;
  }
  return new CharacterClasses(firsts, classes);
}

/** As `classesOf`, at once, for a few sets. */
export function classesOfFew(sets: readonly (readonly CodeRange[])[]): CharacterClasses {
  return finished(classesOf(sets)) as CharacterClasses;
}

/** Characters by class. */
export class CharacterClasses {
  /** First code points of intervals, ascending from 0. */
  readonly #firsts: readonly number[];
  readonly #classes: Int32Array;
  /** One character of each class, and how many there are. */
  readonly representatives: number[] = [];
  readonly sizes: number[] = [];

  /** @param classes of each interval; -1: no characters */
  constructor(firsts: readonly number[], classes: Int32Array) {
    this.#firsts = firsts;
    this.#classes = classes;
    for (const [index, first] of firsts.entries()) {
      const each = classes[index] as number;
      if (each < 0) continue;
      this.representatives[each] ??= first;
      this.sizes[each] = (this.sizes[each] ?? 0) + (firsts[index + 1] ?? maxCodePoint + 1) - first;
    }
  }

  get count(): number {
    return this.representatives.length;
  }

  /** The class of a character; -1: a surrogate. */
  of(code: number): number {
    return this.#classes[this.#interval(code)] ?? -1;
  }

  /** Whether a class with characters from `first` to `last` passes a test. */
  some(first: number, last: number, test: (characterClass: number) => boolean): boolean {
    for (let index = this.#interval(first); index < this.#firsts.length; index += 1) {
      if ((this.#firsts[index] as number) > last) return false;
      const each = this.#classes[index] as number;
      if (each >= 0 && test(each)) return true;
    }
    return false;
  }

  #interval(code: number): number {
    let [low, high] = [0, this.#firsts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firsts[middle] as number) <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
