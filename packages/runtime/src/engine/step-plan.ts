// What one step computes: the next token of every request that runs, and chunks of prompts, in the order in which the
// requests were admitted. Where the caches have no room for all, the requests admitted last are preempted: they give their
// pages up.
import type { CachePool } from '../caches/cache-pool.js';
import type { PrefixCache } from '../caches/prefix-cache.js';
import type { Sequence } from '../caches/sequence.js';
import type { Slice } from '../run/run-batch.js';
import type { EngineRequest } from './request.js';

export interface StepLimits {
  /** Tokens of prompts in a step of prompts alone. */
  readonly prefillChunk: number;
  /** Tokens of prompts in a step that requests wait for which generate. */
  readonly mixedPrefillChunk: number;
}

export interface PlannedSlice extends Slice {
  readonly request: EngineRequest;
}

export interface StepPlan {
  readonly slices: readonly PlannedSlice[];
  /** Removed from `running`, the one admitted last first; their pages are released. */
  readonly preempted: readonly EngineRequest[];
  /** Tokens that were found in the caches. */
  readonly reused: number;
}

/**
 * @param running in the order of their admission; requests that are preempted are taken out
 * @returns slices for which there are pages; none only where `running` is empty or one request alone does not fit
 */
export function planStep(
  running: EngineRequest[],
  pool: CachePool,
  prefixes: PrefixCache,
  { prefillChunk, mixedPrefillChunk }: StepLimits,
): StepPlan {
  const decodes = running.some(({ sequence }) => sequence.pending === 1);
  let budget = decodes ? mixedPrefillChunk : prefillChunk;
  /** Pages of each group that the slices so far will take. */
  let reserved = pool.groups.map(() => 0);
  let reused = 0;
  const slices: PlannedSlice[] = [];
  const preempted: EngineRequest[] = [];
  const preempt = (): void => {
    const last = running.pop() as EngineRequest;
    last.sequence.release();
    preempted.push(last);
  };
  /** Pages of tokens that this step computes: a sequence with the same prefix waits a step and finds them done. */
  const computed = new Set<string>();
  for (const { sequence } of running) sequence.trim();

  for (let index = 0; index < running.length; index += 1) {
    const request = running[index] as EngineRequest;
    const { sequence, generation } = request;
    if (sequence.pending > 1) {
      const found = prefixes.adopt(sequence);
      generation.addReused(found);
      reused += found;
      const page = prefixes.nextPage(sequence);
      if (budget === 0 || (page !== null && computed.has(page))) continue;
      if (page !== null) computed.add(page);
    }
    const count = sequence.pending > 1 ? chunkOf(sequence, budget, pool) : 1;
    const missing = sequence.missing(count);
    const wanted = reserved.map((pages, group) => pages + (missing[group] as number));
    while (!pool.hasRoom(wanted) && running.length > index + 1) preempt();
    // This request came last. Alone it always fits, unless others use the caches: the step fails then.
    if (!pool.hasRoom(wanted) && index > 0) {
      preempt();
      break;
    }
    reserved = wanted;
    if (sequence.pending > 1) budget -= count;
    slices.push({ request, sequence, count, logits: count === sequence.pending ? 'last' : 'none' });
  }
  return { slices, preempted, reused };
}

/** At most `budget` of the pending tokens, up to the end of a page where more are to come, so that the page can be shared. */
function chunkOf(
  { pending, alike, cached }: Sequence,
  budget: number,
  { pageSize, hasStates }: CachePool,
): number {
  if (pending <= budget) {
    // A state is there where a step has ended: at the last page's end before the last token it can be shared.
    const toPage = hasStates ? pending - 1 - ((cached + pending - 1) % pageSize) : 0;
    return toPage > 0 ? Math.min(toPage, alike) : alike;
  }
  const aligned = budget - ((cached + budget) % pageSize);
  return Math.min(aligned > 0 ? aligned : budget, alike);
}
