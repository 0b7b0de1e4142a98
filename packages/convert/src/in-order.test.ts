import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder, type Job } from './in-order.js';

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('inOrder', () => {
  it('gives results in order and never runs more than the bound', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 40 }), async (sizes, bound) => {
        let held = 0;
        let jobsHeld = 0;
        const jobs = sizes.map(
          (bytes, index): Job<number> => ({
            bytes,
            async run() {
              held += bytes;
              jobsHeld++;
              expect(held <= bound || jobsHeld === 1).toBe(true);
              await wait(Math.random() * 2);
              return index;
            },
          }),
        );
        const seen: number[] = [];
        for await (const index of inOrder(jobs, bound)) {
          seen.push(index);
          await wait(Math.random());
          held -= sizes[index] as number;
          jobsHeld--;
        }
        expect(seen).toEqual(sizes.map((_, index) => index));
      }),
      { numRuns: 30 },
    );
  });

  it('runs jobs while a result is used', async () => {
    let started = 0;
    const jobs = Array.from({ length: 5 }, () => ({ bytes: 1, run: async () => ++started }));
    for await (const _ of inOrder(jobs, 3)) {
      expect(started).toBe(3);
      break;
    }
  });

  it('throws the error of the first that fails, when all others have ended', async () => {
    let running = 0;
    const job = (milliseconds: number, error?: string): Job<number> => ({
      bytes: 1,
      async run() {
        running++;
        await wait(milliseconds);
        running--;
        if (error !== undefined) throw new Error(error);
        return 0;
      },
    });
    const use = async () => {
      for await (const _ of inOrder([job(1), job(5, 'first'), job(1, 'second'), job(30)], 10));
    };
    await expect(use()).rejects.toThrow('first');
    expect(running).toBe(0);
  });
});
