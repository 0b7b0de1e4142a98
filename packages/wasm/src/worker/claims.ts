// Work stealing, the part in shared memory: how a thread claims an item, of its own or of another thread.
//
// A thread's ticket is the operation that it is at and the next of its items; -1 where it has none to give. A claim moves the
// ticket on, and only from the value that was read, so that it is never of another operation.
import { sync as at } from '../team/messages.js';
import { Abandoned, pause, waitWhile } from './barrier.js';

const closed = -1;
const itemBits = 16;

/** The most items that an operation may have. */
export const mostItems = 2 ** itemBits - 1;

/** Operations are counted modulo this; no two threads are as far apart. */
const operationCount = 2 ** 14;

/** Looks before sleeping: what others still compute is short. */
const spins = 2000;
/** Milliseconds of sleep before looking whether a thread has failed: that wakes those at the barrier only. */
const longest = 20;

export class Claims {
  readonly #sync: Int32Array;
  readonly #thread: number;
  #operation = 0;

  constructor(sync: Int32Array, thread: number) {
    this.#sync = sync;
    this.#thread = thread;
  }

  /** Before a program, and where one fails: there is nothing to claim. */
  reset(): void {
    this.#operation = 0;
    Atomics.store(this.#sync, ticketOf(this.#thread), closed);
    Atomics.store(this.#sync, finishedOf(this.#thread), 0);
  }

  /** From here on others may claim items; what these need lies in this thread's memory. */
  open(): void {
    this.#operation = (this.#operation + 1) % operationCount;
    Atomics.store(this.#sync, ticketOf(this.#thread), this.#operation << itemBits);
  }

  /** The next item of a thread that is at the same operation and has `count`; -1: none is left, or it is elsewhere. */
  claim(thread: number, count: number): number {
    const word = ticketOf(thread);
    for (;;) {
      const ticket = Atomics.load(this.#sync, word);
      const item = ticket - (this.#operation << itemBits);
      if (ticket === closed || item < 0 || item >= count) return -1;
      if (Atomics.compareExchange(this.#sync, word, ticket, ticket + 1) === ticket) return item;
      pause();
    }
  }

  /** An item of a thread is done, by the thread that claimed it. */
  finish(thread: number): void {
    Atomics.add(this.#sync, finishedOf(thread), 1);
    if (Atomics.load(this.#sync, at.sleepers) > 0) Atomics.notify(this.#sync, finishedOf(thread));
  }

  /** Waits until all `count` items of this thread are done. @throws Abandoned when a thread has failed */
  close(count: number): void {
    const word = finishedOf(this.#thread);
    for (;;) {
      const finished = Atomics.load(this.#sync, word);
      if (finished === count) break;
      if (Atomics.load(this.#sync, at.failed) === 1) throw new Abandoned();
      waitWhile(this.#sync, word, finished, spins, longest);
    }
    Atomics.store(this.#sync, word, 0);
    Atomics.store(this.#sync, ticketOf(this.#thread), closed);
  }
}

function ticketOf(thread: number): number {
  return at.words + thread * at.wordsOfThread;
}

function finishedOf(thread: number): number {
  return ticketOf(thread) + 1;
}
