// The states of one sequence in one cache group: the latest, and snapshots of earlier lengths to go back to. A step reads the
// latest and writes its own to a new slot, so a snapshot is an old slot that is still held. They are kept while at least half
// of all slots can be allocated, at page ends, where prefixes are shared, and before the last step.
import type { StateSegment } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import { type CacheTable, givenBack } from './cache-table.js';
import type { PageAllocator } from './page-allocator.js';

/** Snapshots beside the latest state. */
const mostSnapshots = 4;

interface State {
  /** Tokens of the sequence that it is of. */
  readonly length: number;
  readonly slot: number;
}

export class StateTable implements CacheTable {
  readonly #allocator: PageAllocator;
  /** In the order of their lengths, the latest last. */
  #states: State[] = [];
  /** Where the next step writes; null: no slot yet. */
  #next: number | null = null;

  /** @param allocator of slots; its page size says where states can be shared */
  constructor(allocator: PageAllocator) {
    this.#allocator = allocator;
  }

  get held(): number {
    return this.#states.length + (this.#next === null ? 0 : 1);
  }

  at(index: number): number {
    return this.#find((index + 1) * this.#allocator.pageSize)?.slot ?? givenBack;
  }

  runBefore(): number {
    return 0;
  }

  missing(): number {
    return this.#next === null ? 1 : 0;
  }

  reserve(): void {
    if (this.#next === null) this.#next = this.#allocator.allocate(1)[0] ?? null;
  }

  segment(start: number, tokens: number): StateSegment {
    const from = this.#find(start)?.slot ?? givenBack;
    if (this.#next === null || (from === givenBack && start > 0)) throw noState(start);
    return { tokens, from, to: this.#next };
  }

  advance(length: number): void {
    if (this.#next === null) throw noState(length);
    this.#states.push({ length, slot: this.#next });
    this.#next = null;
    this.trim();
  }

  trim(): void {
    const latest = this.#states.at(-1);
    if (latest === undefined) return;
    const { available, pages, pageSize } = this.#allocator;
    const isScarce = 2 * available < pages;
    const earlier = this.#states.slice(0, -1);
    const kept = earlier.filter(({ length }, i) => {
      return !isScarce && (length % pageSize === 0 || i === earlier.length - 1);
    });
    while (kept.length > mostSnapshots) kept.splice(densest(kept, latest.length), 1);
    const left = earlier.filter((state) => !kept.includes(state));
    this.#allocator.release(left.map(({ slot }) => slot));
    this.#states = [...kept, latest];
  }

  restorable(length: number): number {
    return this.#states.findLast((state) => state.length <= length)?.length ?? 0;
  }

  cut(length: number): void {
    const later = this.#states.filter((state) => state.length > length);
    this.#allocator.release(later.map(({ slot }) => slot));
    this.#states.length -= later.length;
    if (this.#next !== null) this.#allocator.release([this.#next]);
    this.#next = null;
  }

  adopt(pages: readonly number[], length: number): void {
    this.#states.push({ length, slot: pages.at(-1) ?? givenBack });
    this.trim();
  }

  exchange(index: number, slot: number): void {
    const length = (index + 1) * this.#allocator.pageSize;
    const at = this.#states.findIndex((state) => state.length === length);
    const [own] = this.#states.splice(at, 1, { length, slot });
    if (own !== undefined) this.#allocator.release([own.slot]);
  }

  #find(length: number): State | undefined {
    return this.#states.find((state) => state.length === length);
  }
}

/** The snapshot to give up: distances between the others grow with that from the end, and the one before the end stays. */
function densest(snapshots: readonly State[], end: number): number {
  let least = Infinity;
  let found = 0;
  for (let i = 0; i < snapshots.length - 1; i++) {
    const gap = (snapshots[i + 1] as State).length - (snapshots[i - 1]?.length ?? 0);
    const share = gap / (end - (snapshots[i] as State).length);
    if (share >= least) continue;
    least = share;
    found = i;
  }
  return found;
}

function noState(length: number): MoeqError {
  return new MoeqError({
    operation: 'run a step',
    subject: 'a sequence',
    expected: `its state after ${length} tokens and a slot for the next one`,
    found: 'none',
  });
}
