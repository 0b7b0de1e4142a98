import { describe, expect, it } from 'vitest';
import { sync as at } from '../team/messages.js';
import { Abandoned, noBarrier } from './barrier.js';
import { Claims } from './claims.js';
import { Machine, Memories } from './machine.js';
import { runItems } from './run-items.js';

/** Threads that share work, all of them run by this one: what one does while another is amid an item. */
function threads(count: number): { sync: Int32Array; machines: Machine[]; claims: Claims[] } {
  const sync = new Int32Array(new SharedArrayBuffer(4 * (at.words + count * at.wordsOfThread)));
  const each = Array.from({ length: count }, (_, thread) => thread);
  const memories = new Memories(
    each.map(() => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })),
  );
  const claims = each.map((thread) => new Claims(sync, thread));
  const parts = { kernels: {} as never, memories, barrier: noBarrier };
  const machines = each.map((thread) => {
    const others = each.slice(1).map((distance) => (thread + distance) % count);
    const victims = others.map((other) => new Machine({ ...parts, thread: other }));
    return new Machine({ ...parts, thread, claims: claims[thread] as Claims, victims });
  });
  for (const machine of machines) machine.begin();
  return { sync, machines, claims };
}

describe('work that threads share', () => {
  it('is taken over from who is behind, each item once', () => {
    const { machines } = threads(3);
    const [first, second, third] = machines as [Machine, Machine, Machine];
    const ran: string[] = [];
    const items = [4, 2, 3];
    const count = ({ thread }: Machine): number => items[thread] as number;
    const by = (name: string) => (owner: Machine, item: number) =>
      void ran.push(`${name} ${owner.thread}.${item}`);
    runItems(first, count, (owner, item) => {
      by('first')(owner, item);
      if (item > 0) return;
      runItems(second, count, (other, of) => {
        by('second')(other, of);
        // the third comes while the second is at work for the first
        if (other.thread === 0 && of === 1) runItems(third, count, by('third'));
      });
    });
    expect(ran).toEqual([
      'first 0.0',
      ...['second 1.0', 'second 1.1', 'second 0.1'],
      ...['third 2.0', 'third 2.1', 'third 2.2', 'third 0.2', 'third 0.3'],
    ]);
  });

  it('is left alone by threads at another operation', () => {
    const { machines } = threads(2);
    const [first, second] = machines as [Machine, Machine];
    const ran: string[] = [];
    const note = (operation: number) => (owner: Machine, item: number) =>
      void ran.push(`${operation}: ${owner.thread}.${item}`);
    runItems(second, () => 1, note(1));
    runItems(
      first,
      () => 2,
      (owner, item) => {
        note(1)(owner, item);
        if (item === 0) runItems(second, () => 2, note(2));
      },
    );
    expect(ran).toEqual(['1: 1.0', '1: 0.0', '2: 1.0', '2: 1.1', '1: 0.1']);
  });

  it('of a program before is never taken', () => {
    const { claims } = threads(2);
    const [first, second] = claims as [Claims, Claims];
    first.open();
    second.open();
    expect(second.claim(0, 2)).toBe(0);
    for (const each of [first, second]) each.reset();
    second.open();
    expect(second.claim(0, 2)).toBe(-1);
  });

  it('ends when a helper fails', () => {
    const { sync, claims } = threads(2);
    const [first, second] = claims as [Claims, Claims];
    first.open();
    second.open();
    expect(second.claim(0, 1)).toBe(0);
    Atomics.store(sync, at.failed, 1);
    expect(() => first.close(1)).toThrow(Abandoned);
  });
});
