// What one step computes: the next token of every text under way, and chunks of prompts, in the order in which the texts
// were admitted. Where the KV cache has no room for all, the texts admitted last give their pages up.
import type { PageAllocator } from '../caches/page-allocator.js';
import type { PrefixCache } from '../caches/prefix-cache.js';
import type { Sequence } from '../caches/sequence.js';
import type { Request } from './request.js';
import type { Slice } from './run-batch.js';

export interface StepLimits {
  /** Tokens of prompts in a step of prompts alone. */
  readonly prefillChunk: number;
  /** Tokens of prompts in a step that texts under way wait for. */
  readonly mixedPrefillChunk: number;
}

export interface PlannedSlice extends Slice {
  readonly request: Request;
}

export interface StepPlan {
  readonly slices: readonly PlannedSlice[];
  /** Removed from `running`, the one admitted last first; their pages are released. */
  readonly preempted: readonly Request[];
  /** Tokens that were found in the cache. */
  readonly reused: number;
}

/**
 * @param running in the order of their admission; texts that have to make room are taken out
 * @returns slices for which there are pages; none only where `running` is empty or one text alone does not fit
 */
export function planStep(
  running: Request[],
  allocator: PageAllocator,
  prefixes: PrefixCache,
  { prefillChunk, mixedPrefillChunk }: StepLimits,
): StepPlan {
  const decodes = running.some(({ sequence }) => sequence.pending === 1);
  let budget = decodes ? mixedPrefillChunk : prefillChunk;
  let reserved = 0;
  let reused = 0;
  const slices: PlannedSlice[] = [];
  const preempted: Request[] = [];
  /** Pages that are being computed in this step: a twin waits a step and finds them done. */
  const underWay = new Set<string>();

  for (let index = 0; index < running.length; index += 1) {
    const request = running[index] as Request;
    const { sequence, generation } = request;
    if (sequence.pending > 1) {
      const found = prefixes.adopt(sequence);
      generation.addReused(found);
      reused += found;
      const page = prefixes.nextPage(sequence);
      if (budget === 0 || (page !== null && underWay.has(page))) continue;
      if (page !== null) underWay.add(page);
    }
    const count = sequence.pending > 1 ? chunkOf(sequence, budget, allocator.pageSize) : 1;
    const pages = allocator.pagesFor(sequence.cached + count) - sequence.pages.length;
    while (!fits(allocator, prefixes, reserved + pages) && running.length > index + 1) {
      const last = running.pop() as Request;
      prefixes.release(last.sequence);
      preempted.push(last);
    }
    if (!fits(allocator, prefixes, reserved + pages)) {
      // The text itself came last. Alone it always fits, unless somebody else uses the cache; the step tells then.
      if (index > 0) {
        running.pop();
        prefixes.release(sequence);
        preempted.push(request);
        break;
      }
    }
    reserved += Math.max(0, pages);
    if (sequence.pending > 1) budget -= count;
    slices.push({ request, sequence, count, logits: count === sequence.pending ? 'last' : 'none' });
  }
  return { slices, preempted, reused };
}

/** At most `budget` of the pending tokens, up to the end of a page where more are to come, so that the page can be shared. */
function chunkOf({ pending, alike, cached }: Sequence, budget: number, pageSize: number): number {
  if (pending <= budget) return alike;
  const aligned = budget - ((cached + budget) % pageSize);
  return Math.min(aligned > 0 ? aligned : budget, alike);
}

function fits(allocator: PageAllocator, prefixes: PrefixCache, pages: number): boolean {
  return pages <= allocator.freePages || pages <= allocator.freePages + prefixes.evictable;
}
