// Threads that quantize, started with the first job, and workspaces in their memories for strips: a bounded number, first come,
// first served.
import type { SimdLevel } from '../kernel-module.js';
import type { WorkerSource } from '../team/spawn.js';
import { compileQuantizeKernels } from './kernels.js';
import { closed, Thread } from './thread.js';
import { Workspace } from './workspace.js';

/** Strips of a thread that are read, waiting or encoded: one to work at and two on their way. */
const stripsPerThread = 3;

export class Pool {
  readonly #count: number;
  readonly #simd: SimdLevel;
  readonly #shared: boolean;
  readonly #worker: WorkerSource;
  readonly #free: Workspace[] = [];
  readonly #waiting: ((workspace: Workspace) => void)[] = [];
  #threads: Promise<Thread[]> | null = null;
  #workspaces = 0;
  #closed = false;

  /** @param shared whether memory may be shared with workers */
  constructor(threads: number, simd: SimdLevel, shared: boolean, worker: WorkerSource) {
    this.#count = threads;
    this.#simd = simd;
    this.#shared = shared;
    this.#worker = worker;
  }

  /**
   * Runs the action when one of the workspaces is free.
   * @throws what it throws, and MoeqError when the pool is closed
   */
  async use<T>(action: (workspace: Workspace) => Promise<T>): Promise<T> {
    await this.#started();
    const workspace =
      this.#free.pop() ?? (await new Promise<Workspace>((resolve) => void this.#waiting.push(resolve)));
    try {
      return await action(workspace);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(workspace);
      else next(workspace);
    }
  }

  /** A workspace beside those, for the caller to close. */
  async workspace(): Promise<Workspace> {
    const threads = await this.#started();
    return new Workspace(threads[this.#workspaces++ % threads.length] as Thread);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const threads = (await this.#threads?.catch(() => null)) ?? [];
    await Promise.all(threads.map((thread) => thread.stop()));
  }

  #started(): Promise<Thread[]> {
    if (this.#closed) throw closed();
    this.#threads ??= this.#start();
    return this.#threads;
  }

  async #start(): Promise<Thread[]> {
    const module = await compileQuantizeKernels(this.#simd, this.#shared);
    const threads = Array.from({ length: this.#count }, () => new Thread(module, this.#shared, this.#worker));
    for (let i = 0; i < stripsPerThread; i++) {
      for (const thread of threads) this.#free.push(new Workspace(thread));
    }
    return threads;
  }
}
