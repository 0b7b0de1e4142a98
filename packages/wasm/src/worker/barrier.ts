// Where threads wait for each other between operations: they spin for a moment, then sleep.
import { sync as at } from '../team/messages.js';

/** Looks before sleeping; about a tenth of a millisecond, longer than threads of equal work are apart. */
const spins = 2000;

/** A hint that the other hardware thread of the core may go first; ES2026, absent in some engines. */
const pause: () => void = (Atomics as { pause?: () => void }).pause?.bind(Atomics) ?? (() => {});

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
      // in this order: who fails says so first and opens then
      const opened = Atomics.load(sync, at.opened);
      if (Atomics.load(sync, at.failed) === 1) throw new Abandoned();
      if (Atomics.add(sync, at.arrived, 1) === threads - 1) {
        Atomics.store(sync, at.arrived, 0);
        Atomics.add(sync, at.opened, 1);
        if (Atomics.load(sync, at.sleepers) > 0) Atomics.notify(sync, at.opened);
        return;
      }
      waitWhile(sync, at.opened, opened);
      if (Atomics.load(sync, at.failed) === 1) throw new Abandoned();
    },
  };
}

/**
 * Opens the barrier for ever: whoever waits or comes finds that a thread has failed.
 * @returns whether this thread is the first that did
 */
export function abandonBarrier(sync: Int32Array): boolean {
  const first = Atomics.compareExchange(sync, at.failed, 0, 1) === 0;
  Atomics.add(sync, at.opened, 1);
  Atomics.notify(sync, at.opened);
  return first;
}

/** Waits until the word at `index` is no longer `value`. */
export function waitWhile(sync: Int32Array, index: number, value: number): void {
  for (let i = 0; i < spins; i++) {
    if (Atomics.load(sync, index) !== value) return;
    pause();
  }
  Atomics.add(sync, at.sleepers, 1);
  while (Atomics.load(sync, index) === value) Atomics.wait(sync, index, value);
  Atomics.sub(sync, at.sleepers, 1);
}
