// Threads that quantize, started with the first job, and rooms in their memories for strips: a bounded number, first come,
// first served.
import type { SimdLevel } from '../kernel-module.js';
import type { WorkerSource } from '../team/spawn.js';
import { compileQuantizeKernels } from './kernels.js';
import { Room } from './room.js';
import { closed, Thread } from './thread.js';

/** Strips of a thread that are read, waiting or encoded: one to work at and two on their way. */
const STRIPS_PER_THREAD = 3;

export class Pool {
  readonly #count: number;
  readonly #simd: SimdLevel;
  readonly #shared: boolean;
  readonly #worker: WorkerSource;
  readonly #free: Room[] = [];
  readonly #waiting: ((room: Room) => void)[] = [];
  #threads: Promise<Thread[]> | null = null;
  #rooms = 0;
  #closed = false;

  /** @param shared whether memory may be shared with workers */
  constructor(threads: number, simd: SimdLevel, shared: boolean, worker: WorkerSource) {
    this.#count = threads;
    this.#simd = simd;
    this.#shared = shared;
    this.#worker = worker;
  }

  /**
   * Runs the action when one of the rooms is free.
   * @throws what it throws, and MoeqError when the pool is closed
   */
  async use<T>(action: (room: Room) => Promise<T>): Promise<T> {
    await this.#started();
    const room = this.#free.pop() ?? (await new Promise<Room>((resolve) => void this.#waiting.push(resolve)));
    try {
      return await action(room);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(room);
      else next(room);
    }
  }

  /** A room beside those, for the caller to close. */
  async room(): Promise<Room> {
    const threads = await this.#started();
    return new Room(threads[this.#rooms++ % threads.length] as Thread);
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
    for (let i = 0; i < STRIPS_PER_THREAD; i++) {
      for (const thread of threads) this.#free.push(new Room(thread));
    }
    return threads;
  }
}
