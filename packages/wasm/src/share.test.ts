import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longestShare, shareOwner, shareStart } from './share.js';

const counts = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 70 }));

test('shares follow each other, cover all and differ by one at most', () => {
  fc.assert(
    fc.property(counts, ([count, threads]) => {
      const starts = Array.from({ length: threads + 1 }, (_, thread) => shareStart(count, thread, threads));
      const lengths = starts.slice(1).map((end, thread) => end - (starts[thread] as number));
      expect([starts[0], starts[threads]]).toEqual([0, count]);
      expect(Math.max(...lengths)).toBe(longestShare(count, threads));
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }),
  );
});

test('the owner of an item is the thread whose share holds it', () => {
  fc.assert(
    fc.property(counts, fc.nat(), ([count, threads], any) => {
      const item = any % count;
      const owner = shareOwner(count, item, threads);
      expect(item).toBeGreaterThanOrEqual(shareStart(count, owner, threads));
      expect(item).toBeLessThan(shareStart(count, owner + 1, threads));
    }),
  );
});
