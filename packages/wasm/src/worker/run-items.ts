// Work stealing: how threads share what is left of an operation. Each works through its own rows, a few at a time; a thread that
// is done steals from those that are not, in their memory, until nothing is left. Threads that another program slows down, and
// small cores beside large ones, so hold up the others by no more than a few rows. Which thread computes a row changes no bit
// of it.
import type { Machine } from './machine.js';

/**
 * Runs an operation's items, which write nothing that another reads. Reclaims when all of this thread's are done.
 * @param count items of a thread, the same on every thread
 * @param run one of them, in the memory of `owner`
 */
export function runItems(
  machine: Machine,
  count: (owner: Machine) => number,
  run: (owner: Machine, item: number) => void,
): void {
  const { claims, victims } = machine;
  const own = count(machine);
  if (claims === null) {
    for (let item = 0; item < own; item++) run(machine, item);
    return;
  }
  const work = (owner: Machine): void => {
    const items = count(owner);
    for (;;) {
      const item = claims.claim(owner.thread, items);
      if (item < 0) return;
      run(owner, item);
      claims.finish(owner.thread);
    }
  };
  claims.open();
  work(machine);
  for (const other of victims) work(other);
  claims.close(own);
}
