// How threads share what is left of an operation. Each works through its own rows, a few at a time; who is done takes over
// from those who are not, in their memory, until nothing is left. Threads that another program slows down, and small cores
// beside large ones, so hold up the others by no more than a few rows. Which thread computes a row changes no bit of it.
//
// A thread's ticket is the operation that it is at and the next of its items; -1 where it has none to give. Who takes an item
// moves the ticket on, and only from what it has seen, so that it never takes one of another operation.
import { sync as at } from '../team/messages.js';
import { Abandoned, pause, waitWhile } from './barrier.js';
import type { Machine } from './machine.js';

const closed = -1;
const itemBits = 16;
/** Operations are counted modulo this; no two threads are as far apart. */
const turnCount = 2 ** 14;

/** Looks before sleeping: what others still compute is short. */
const spins = 2000;
/** Milliseconds of sleep before looking whether a thread has failed: that wakes those at the barrier only. */
const longest = 20;

export class Turns {
  readonly #sync: Int32Array;
  readonly #thread: number;
  #turn = 0;

  constructor(sync: Int32Array, thread: number) {
    this.#sync = sync;
    this.#thread = thread;
  }

  /** Before a program, and where one fails: nothing is there to be taken. */
  reset(): void {
    this.#turn = 0;
    Atomics.store(this.#sync, ticketOf(this.#thread), closed);
    Atomics.store(this.#sync, finishedOf(this.#thread), 0);
  }

  /** From here on others may take items; what these need lies in this thread's memory. */
  open(): void {
    this.#turn = (this.#turn + 1) % turnCount;
    Atomics.store(this.#sync, ticketOf(this.#thread), this.#turn << itemBits);
  }

  /** The next item of a thread that is at the same operation and has `count`; -1: none is left, or it is elsewhere. */
  take(thread: number, count: number): number {
    const word = ticketOf(thread);
    for (;;) {
      const ticket = Atomics.load(this.#sync, word);
      const item = ticket - (this.#turn << itemBits);
      if (ticket === closed || item < 0 || item >= count) return -1;
      if (Atomics.compareExchange(this.#sync, word, ticket, ticket + 1) === ticket) return item;
      pause();
    }
  }

  /** An item of a thread is done, by whoever took it. */
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

/** The most items that an operation may have. */
export const mostItems = 2 ** itemBits - 1;

/**
 * Runs an operation's items, which write nothing that another reads. Returns when all of this thread's are done.
 * @param count items of a thread, the same whoever asks
 * @param run one of them, in the memory of `owner`
 */
export function runItems(
  machine: Machine,
  count: (owner: Machine) => number,
  run: (owner: Machine, item: number) => void,
): void {
  const { turns, helped } = machine;
  const own = count(machine);
  if (turns === null) {
    for (let item = 0; item < own; item++) run(machine, item);
    return;
  }
  const work = (owner: Machine): void => {
    const items = count(owner);
    for (let item = turns.take(owner.thread, items); item >= 0; item = turns.take(owner.thread, items)) {
      run(owner, item);
      turns.finish(owner.thread);
    }
  };
  turns.open();
  work(machine);
  for (const other of helped) work(other);
  turns.close(own);
}
