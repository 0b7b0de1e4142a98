// Merges that may be done, the best first: of the lowest rank, and of those the leftmost. A binary heap.

interface Entry {
  readonly rank: number;
  /** Index of the left symbol. */
  readonly at: number;
  /** Id of the token that the pair becomes. */
  readonly id: number;
}

const isBefore = (a: Entry, b: Entry) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at);

export class MergeQueue {
  readonly #heap: Entry[] = [];

  push(rank: number, at: number, id: number): void {
    const entry = { rank, at, id };
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Takes out the best; null where there is none. */
  pop(): Entry | null {
    const heap = this.#heap;
    const best = heap[0];
    const last = heap.pop();
    if (best === undefined || last === undefined) return null;
    if (heap.length === 0) return best;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const below = heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return best;
  }
}
