// Sets of characters, and the classes that a few sets cut them into: two characters of a class are in the same sets, so an
// automaton needs one edge for both. Surrogates are no characters.

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

/** Characters by class. */
export class CharacterClasses {
  /** First code points of intervals, ascending from 0. */
  readonly #firsts: number[];
  readonly #classes: number[];
  /** One character of each class, and how many there are. */
  readonly representatives: number[] = [];
  readonly sizes: number[] = [];

  constructor(sets: readonly (readonly CodeRange[])[]) {
    const events = new Map<number, number[]>([[0, []]]);
    const at = (code: number) => {
      const list = events.get(code) ?? [];
      events.set(code, list);
      return list;
    };
    for (const [index, set] of [...sets, allCharacters].entries()) {
      for (const [first, last] of union(set)) {
        at(first).push(index);
        at(last + 1).push(index);
      }
    }
    this.#firsts = [...events.keys()].filter((code) => code <= maxCodePoint).sort((a, b) => a - b);
    const inside = new Set<number>();
    const known = new Map<string, number>();
    this.#classes = this.#firsts.map((first, position) => {
      for (const index of events.get(first) ?? []) if (!inside.delete(index)) inside.add(index);
      if (!inside.has(sets.length)) return -1;
      const key = [...inside].sort((a, b) => a - b).join();
      const found = known.get(key) ?? known.size;
      if (!known.has(key)) {
        known.set(key, found);
        this.representatives.push(first);
        this.sizes.push(0);
      }
      const next = this.#firsts[position + 1] ?? maxCodePoint + 1;
      this.sizes[found] = (this.sizes[found] ?? 0) + next - first;
      return found;
    });
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
