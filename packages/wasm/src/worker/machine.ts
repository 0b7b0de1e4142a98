// What an operation works with: the kernels, this thread's memory, and the other threads' memories to copy from.
import type { KernelExports } from '../kernel-exports.js';
import type { Barrier } from './barrier.js';

export interface Views {
  readonly floats: Float32Array;
  readonly words: Int32Array;
}

export class Machine {
  readonly kernels: KernelExports;
  readonly thread: number;
  readonly threads: number;
  readonly barrier: Barrier;
  readonly #memories: readonly WebAssembly.Memory[];
  #views: Views[] = [];

  /** @param memories of all threads, by thread */
  constructor(
    kernels: KernelExports,
    thread: number,
    memories: readonly WebAssembly.Memory[],
    barrier: Barrier,
  ) {
    this.kernels = kernels;
    this.thread = thread;
    this.threads = memories.length;
    this.barrier = barrier;
    this.#memories = memories;
    this.refresh();
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

  get floats(): Float32Array {
    return (this.#views[this.thread] as Views).floats;
  }

  get words(): Int32Array {
    return (this.#views[this.thread] as Views).words;
  }

  /** Copies `length` float32 at `address` from the memory of another thread to the same address here. */
  copyFrom(thread: number, address: number, length: number): void {
    const at = address / 4;
    this.floats.set((this.#views[thread] as Views).floats.subarray(at, at + length), at);
  }
}
