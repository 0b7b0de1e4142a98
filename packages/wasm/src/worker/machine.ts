// What an operation works with: the kernels, a thread's memory, and the other threads' memories to copy from.
import type { KernelExports } from '../kernel-exports.js';
import type { Barrier } from './barrier.js';
import type { Turns } from './turns.js';

interface Views {
  readonly floats: Float32Array;
  readonly words: Int32Array;
}

/** The memories of all threads, by thread. */
export class Memories {
  readonly #memories: readonly WebAssembly.Memory[];
  #views: Views[] = [];

  constructor(memories: readonly WebAssembly.Memory[]) {
    this.#memories = memories;
    this.refresh();
  }

  get count(): number {
    return this.#memories.length;
  }

  /** Looks at the memories again, which may have grown. */
  refresh(): void {
    // growing by nothing makes the engine see what another thread has done
    for (const memory of this.#memories) memory.grow(0);
    if (this.#memories.every(({ buffer }, thread) => this.#views[thread]?.floats.buffer === buffer)) return;
    this.#views = this.#memories.map(({ buffer }) => ({
      floats: new Float32Array(buffer),
      words: new Int32Array(buffer),
    }));
  }

  of(thread: number): Views {
    return this.#views[thread] as Views;
  }
}

interface MachineParts {
  /** Over the memory of `thread`. */
  readonly kernels: KernelExports;
  /** Whose memory and share of the work this is. */
  readonly thread: number;
  readonly memories: Memories;
  readonly barrier: Barrier;
  /** null: a thread that shares no work. */
  readonly turns?: Turns | null;
  readonly helped?: readonly Machine[];
}

export class Machine {
  readonly kernels: KernelExports;
  readonly thread: number;
  readonly threads: number;
  readonly barrier: Barrier;
  readonly turns: Turns | null;
  /** The same thread at work in the memories of those whom it helps, the next one first. */
  readonly helped: readonly Machine[];
  readonly #memories: Memories;

  constructor({ kernels, thread, memories, barrier, turns = null, helped = [] }: MachineParts) {
    this.kernels = kernels;
    this.thread = thread;
    this.threads = memories.count;
    this.barrier = barrier;
    this.turns = turns;
    this.helped = helped;
    this.#memories = memories;
  }

  /** Before a program. */
  begin(): void {
    this.#memories.refresh();
    this.turns?.reset();
  }

  get floats(): Float32Array {
    return this.#memories.of(this.thread).floats;
  }

  get words(): Int32Array {
    return this.#memories.of(this.thread).words;
  }

  /** Copies `length` float32 at `address` from the memory of another thread to the same address here. */
  copyFrom(thread: number, address: number, length: number): void {
    const at = address / 4;
    this.floats.set(this.#memories.of(thread).floats.subarray(at, at + length), at);
  }
}
