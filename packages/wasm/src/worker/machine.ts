// What an operation works with: the kernels, a thread's memory, and the other threads' memories to copy from.
import type { Memory } from '../abi/decode.js';
import type { KernelExports } from '../kernel-exports.js';
import type { Barrier } from './barrier.js';
import type { Claims } from './claims.js';
import { type LinearKernels, linearKernels } from './linear-kernels.js';

/** The memories of all threads, by thread. */
export class Memories {
  readonly #memories: readonly WebAssembly.Memory[];
  #views: Memory[] = [];

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

  of(thread: number): Memory {
    return this.#views[thread] as Memory;
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
  readonly claims?: Claims | null;
  readonly victims?: readonly Machine[];
}

export class Machine {
  readonly kernels: KernelExports;
  readonly linearKernels: LinearKernels;
  readonly thread: number;
  readonly threads: number;
  readonly barrier: Barrier;
  readonly claims: Claims | null;
  /** The same thread at work in the memories of those from which it steals, the next one first. */
  readonly victims: readonly Machine[];
  readonly #memories: Memories;

  constructor({ kernels, thread, memories, barrier, claims = null, victims = [] }: MachineParts) {
    this.kernels = kernels;
    this.linearKernels = linearKernels(kernels);
    this.thread = thread;
    this.threads = memories.count;
    this.barrier = barrier;
    this.claims = claims;
    this.victims = victims;
    this.#memories = memories;
  }

  /** Before a program. */
  begin(): void {
    this.#memories.refresh();
    this.claims?.reset();
  }

  get floats(): Float32Array {
    return this.#memories.of(this.thread).floats;
  }

  get words(): Int32Array {
    return this.#memories.of(this.thread).words;
  }

  /** Copies `length` float32 at `address` from the memory of another thread to `target` here, the same address unless given. */
  copyFrom(thread: number, address: number, length: number, target = address): void {
    const at = address / 4;
    this.floats.set(this.#memories.of(thread).floats.subarray(at, at + length), target / 4);
  }
}
