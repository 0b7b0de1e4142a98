import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planExperts, planRows, planRuns } from './plan.js';

const mebibyte = 2 ** 20;

describe('a device that binds 128 MiB', () => {
  const limit = 128 * mebibyte;

  test('holds the experts of a Mixtral layer, one projection, four to a buffer', () => {
    const expert = 14336 * 4096 * 0.5 + (14336 * 4096 * 4) / 64; // nf4 with float32 scales
    expect(expert).toBeLessThan(limit);
    expect(planExperts(8, expert, 4096, limit)).toBe(4);
    expect(planExperts(2, expert, 4096, limit)).toBe(2);
  });

  test('has no room for an expert that is larger', () => {
    expect(planExperts(8, limit, 4096, limit)).toBe(0);
  });

  test('cuts an embedding of 152k rows of bfloat16 into ten ranges', () => {
    const [rows, columns] = [151936, 4096];
    const ranges = planRows(rows, rows * columns * 2, 1, limit);
    expect(ranges).toHaveLength(10);
    expect(ranges?.[0]).toEqual({ first: 0, count: limit / (columns * 2) });
    expect(ranges?.reduce((sum, { count }) => sum + count, 0)).toBe(rows);
  });

  test('says so when not even the least rows fit', () => {
    expect(planRows(4, 8 * limit, 4, limit)).toBeNull();
  });
});

describe('planRows', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 5000 }),
    bytesPerRow: fc.integer({ min: 1, max: 5000 }),
    quantum: fc.integer({ min: 1, max: 64 }),
    limit: fc.integer({ min: 1, max: 200_000 }),
  });

  test('covers all rows once, in order, within the limit, cut at whole quanta', () => {
    fc.assert(
      fc.property(cases, ({ rows, bytesPerRow, quantum, limit }) => {
        const ranges = planRows(rows, rows * bytesPerRow, quantum, limit);
        if (ranges === null) expect(quantum * bytesPerRow).toBeGreaterThan(limit);
        let next = ranges === null ? rows : 0;
        for (const { first, count } of ranges ?? []) {
          expect(first).toBe(next);
          expect(first % quantum).toBe(0);
          expect(count).toBeGreaterThan(0);
          expect(count * bytesPerRow).toBeLessThanOrEqual(limit);
          next = first + count;
        }
        expect(next).toBe(rows);
      }),
    );
  });
});

describe('planRuns', () => {
  const part = (signature: string, bytes: number) => ({ signature, bytes });

  test('keeps neighbours of one signature together while they fit', () => {
    const parts = [part('a', 10), part('a', 10), part('b', 10), part('a', 10), part('a', 75), part('a', 20)];
    expect(planRuns(parts, 4, 5, 100)).toEqual([
      [parts[0], parts[1]],
      [parts[2]],
      [parts[3], parts[4]],
      [parts[5]],
    ]);
  });

  test('takes no more than a dispatch can tell apart', () => {
    const parts = Array.from({ length: 9 }, () => part('a', 1));
    expect(planRuns(parts, 4, 0, 100).map((run) => run.length)).toEqual([4, 4, 1]);
  });
});
