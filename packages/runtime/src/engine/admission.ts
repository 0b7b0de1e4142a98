// Which texts join the next step: as many as there are places and pages for, in the order of the queue.
import type { PageAllocator } from '../caches/page-allocator.js';
import type { PrefixCache } from '../caches/prefix-cache.js';
import type { FairQueue } from './fair-queue.js';
import type { Request } from './request.js';

/**
 * Takes texts out of the queue; one in any case where nothing runs.
 * @param running texts under way
 * @param maxBatch texts under way at most
 */
export function admit(
  waiting: FairQueue<Request>,
  running: number,
  maxBatch: number,
  allocator: PageAllocator,
  prefixes: PrefixCache,
): Request[] {
  const admitted: Request[] = [];
  // Texts under way may each need a page more for their next token.
  let available = allocator.freePages + prefixes.evictable - running;
  while (running + admitted.length < maxBatch) {
    const request = waiting.peek();
    if (request === undefined) break;
    const { sequence } = request;
    // One page more than it has tokens for now, so that it is not the next to be sent away.
    const pages = allocator.pagesFor(sequence.tokens.length) + 1 - prefixes.matches(sequence);
    if (pages > available && running + admitted.length > 0) break;
    available -= pages;
    waiting.take();
    admitted.push(request);
  }
  return admitted;
}
