// What the host and its workers send each other, and the words of shared memory by which they synchronize.
import type { ErrorFacts } from '@moeq/tensors';

/** Int32 words of the block that the host and all workers share. */
export const sync = {
  /** Counts programs; workers sleep on it. */
  program: 0,
  /** Where the program lies in every heap, and how many words it has. */
  address: 1,
  length: 2,
  /** Threads that have come to the barrier, and how often it has opened; sleepers at it. */
  arrived: 3,
  opened: 4,
  sleepers: 5,
  /** Threads that have finished the program. */
  finished: 6,
  /** 1: a thread failed; the others leave at the next barrier. */
  failed: 7,
  /** 1: the threads are to end. */
  stopped: 8,
  words: 16,
  /** After these, a line of the cache for each thread: worker/claims.ts. */
  wordsOfThread: 32,
} as const;

/** Threads from which a thread steals work, the next ones after it: it needs scratch memory of its own in the heap of each. */
export const maxVictims = 7;

export type ToWorker =
  | {
      readonly kind: 'start';
      readonly module: WebAssembly.Module;
      readonly thread: number;
      /** Of all threads, shared, by thread; null: one thread with a memory of its own. */
      readonly memories: readonly WebAssembly.Memory[] | null;
      readonly sync: Int32Array | null;
      readonly initialPages: number;
      readonly maximumPages: number;
    }
  // the rest is for a worker with a memory of its own; the others read their orders from shared memory
  | { readonly kind: 'grow'; readonly pages: number }
  | { readonly kind: 'write'; readonly address: number; readonly bytes: Uint8Array }
  | { readonly kind: 'settle' }
  | { readonly kind: 'run'; readonly address: number; readonly length: number }
  | { readonly kind: 'read'; readonly address: number; readonly length: number };

/** An error that crosses threads: the facts of a MoeqError, or a text. */
export type Failure = ErrorFacts | string;

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'values'; readonly values: Float32Array };
