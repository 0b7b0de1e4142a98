// The threads that compute, as the host sees them: memories to write to, programs to run, results to read.
import type { Memory } from '../heap.js';

export interface Team extends Memory {
  /** Copies bytes into the memory of one thread, before any program that is run afterwards. */
  write(thread: number, address: number, bytes: Uint8Array): void;
  /** Waits until all that was written is in place. @throws MoeqError when a memory could not grow for it */
  settle(): Promise<void>;
  /**
   * Runs the program of `length` words at `address` on all threads.
   * @throws MoeqError when a thread fails
   */
  run(address: number, length: number): Promise<void>;
  /** Float32 [length] from the memory of thread 0, a copy. */
  read(address: number, length: number): Promise<Float32Array>;
  /** Stops the threads and gives their memory back. */
  stop(): Promise<void>;
}
