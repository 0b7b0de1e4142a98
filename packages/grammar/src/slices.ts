// Work that is done in slices: a generator yields wherever others may run, at the latest after a bounded count of units.
// A unit is a schema, a name, a value, 64 characters, or a step of an automaton: about a microsecond.

/** Units between two pauses: some milliseconds on a slow machine. */
const unitsPerPause = 1024;
/** Characters that count as one unit. */
const charactersPerUnit = 64;

/** A part that pauses now and then. */
export type Pausing<T> = Generator<void, T, void>;

/** Counts what was done since the last pause. */
export class Pace {
  #units = 0;

  /** @returns whether to pause, now that `units` more are done */
  due(units = 1): boolean {
    this.#units += units;
    if (this.#units < unitsPerPause) return false;
    this.#units = 0;
    return true;
  }

  /** As `due`, for a text of so many characters. */
  dueText(characters: number): boolean {
    return this.due(1 + characters / charactersPerUnit);
  }
}

/** To the end at once. */
export function finished<T>(steps: Pausing<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** Items that are sorted at once: with their comparisons some 1,000 units. */
const itemsPerRun = 128;

/** A sorted copy, by merging runs; equal items keep their order. */
export function* sortedInSlices<T>(items: Iterable<T>, compare: (a: T, b: T) => number): Pausing<T[]> {
  let from = [...items];
  for (let start = 0; start < from.length; start += itemsPerRun) {
    const run = from.slice(start, start + itemsPerRun).sort(compare);
    for (const [index, item] of run.entries()) from[start + index] = item;
    yield;
  }
  const pace = new Pace();
  for (let width = itemsPerRun; width < from.length; width *= 2) {
    const to: T[] = [];
    for (let start = 0; start < from.length; start += 2 * width) {
      const [middle, end] = [Math.min(start + width, from.length), Math.min(start + 2 * width, from.length)];
      for (let left = start, right = middle; left < middle || right < end; ) {
        const first = right >= end || (left < middle && compare(from[left] as T, from[right] as T) <= 0);
        to.push(from[first ? left : right] as T);
        if (first) left += 1;
        else right += 1;
        if (pace.due()) yield;
      }
    }
    from = to;
  }
  return from;
}

/** How work is spread out. */
export interface Slicing {
  /** Lets others run; called between slices. */
  readonly pause: () => Promise<void>;
  /** Milliseconds after which a slice ends at its next step. Default 8. */
  readonly sliceMilliseconds?: number | undefined;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
  /** Called behind each step; what it throws ends the work. */
  readonly onStep?: (() => void) | undefined;
}

const defaultSlice = 8;

/** To the end in slices. @throws the signal's reason */
export async function inSlices<T>(steps: Pausing<T>, slicing: Slicing): Promise<T> {
  const { onStep, pause, signal, sliceMilliseconds = defaultSlice } = slicing;
  let until = performance.now() + sliceMilliseconds;
  for (;;) {
    signal?.throwIfAborted();
    const step = steps.next();
    if (step.done === true) return step.value;
    onStep?.();
    if (performance.now() < until) continue;
    await pause();
    until = performance.now() + sliceMilliseconds;
  }
}
