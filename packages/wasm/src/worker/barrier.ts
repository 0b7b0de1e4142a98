// Where threads wait for each other between operations: they spin for a moment, then sleep.
import { sync as at } from '../team/messages.js';

/**
 * Looks before sleeping. At a barrier about a tenth of a millisecond, longer than threads of equal work are apart; for the
 * next program less, because the host may need the processor to make it.
 */
const spins = { barrier: 2000, program: 200 };

/** A hint that the other hardware thread of the core may go first; ES2026, absent in some engines. */
export const pause: () => void = (Atomics as { pause?: () => void }).pause?.bind(Atomics) ?? (() => {});

/** Thrown where another thread has failed. */
export class Abandoned extends Error {}

export interface Barrier {
  /** Returns when all threads have called it. @throws Abandoned when one of them will not */
  wait(): void;
}

/** For a single thread. */
export const noBarrier: Barrier = { wait() {} };

export function makeBarrier(sync: Int32Array, threads: number): Barrier {
  return {
    wait() {
      // in this order: a thread that fails sets the flag first and opens the barrier then
      const opened = Atomics.load(sync, at.opened);
      if (Atomics.load(sync, at.failed) === 1) throw new Abandoned();
      if (Atomics.add(sync, at.arrived, 1) === threads - 1) {
        Atomics.store(sync, at.arrived, 0);
        Atomics.add(sync, at.opened, 1);
        if (Atomics.load(sync, at.sleepers) > 0) Atomics.notify(sync, at.opened);
        return;
      }
      waitWhile(sync, at.opened, opened, spins.barrier);
      if (Atomics.load(sync, at.failed) === 1) throw new Abandoned();
    },
  };
}

/**
 * Opens the barrier for ever: threads that wait or arrive find that one has failed.
 * @returns whether this thread is the first that did
 */
export function abandonBarrier(sync: Int32Array): boolean {
  const first = Atomics.compareExchange(sync, at.failed, 0, 1) === 0;
  Atomics.add(sync, at.opened, 1);
  Atomics.notify(sync, at.opened);
  return first;
}

/** Waits for the next program after number `program`. */
export function waitForProgram(sync: Int32Array, program: number): void {
  waitWhile(sync, at.program, program, spins.program);
}

/**
 * Waits until the word at `index` is no longer `value`.
 * @param longest milliseconds that it may sleep, after which it returns in any case
 */
export function waitWhile(
  sync: Int32Array,
  index: number,
  value: number,
  looks: number,
  longest = Infinity,
): void {
  for (let i = 0; i < looks; i++) {
    if (Atomics.load(sync, index) !== value) return;
    pause();
  }
  Atomics.add(sync, at.sleepers, 1);
  do Atomics.wait(sync, index, value, longest);
  while (longest === Infinity && Atomics.load(sync, index) === value);
  Atomics.sub(sync, at.sleepers, 1);
}
