// Which requests join the next step: as many as there are places and pages for, in the order of the queue.
import type { CachePool } from '../caches/cache-pool.js';
import type { PrefixCache } from '../caches/prefix-cache.js';
import type { FairQueue } from './fair-queue.js';
import type { EngineRequest } from './request.js';

/**
 * Takes requests out of the queue; one in any case where nothing runs.
 * @param running requests that run already
 * @param maxBatch requests that run at most
 */
export function admit(
  waiting: FairQueue<EngineRequest>,
  running: number,
  maxBatch: number,
  pool: CachePool,
  prefixes: PrefixCache,
): EngineRequest[] {
  const admitted: EngineRequest[] = [];
  // Each request that runs may need a page more for its next token.
  const available = pool.allocators.map((allocator) => allocator.available - running);
  while (running + admitted.length < maxBatch) {
    const request = waiting.peek();
    if (request === undefined) break;
    const { sequence } = request;
    const shared = prefixes.sharedBy(sequence);
    // One page more than it has tokens for now, so that it is not the next to be preempted.
    const pages = pool
      .demand(sequence.tokens.length)
      .map((own, group) => own + 1 - (shared[group] as number));
    const fits = pages.every((own, group) => own <= (available[group] as number));
    if (!fits && running + admitted.length > 0) break;
    for (const [group, own] of pages.entries()) available[group] = (available[group] as number) - own;
    waiting.take();
    admitted.push(request);
  }
  return admitted;
}
