// How rows, columns or heads are split over threads: contiguous runs whose lengths differ by at most one. The same on the
// host, which places the weights, and in the workers, which compute.

/** First item of a thread's share; the share of thread `threads` begins where all end. */
export function shareStart(count: number, thread: number, threads: number): number {
  return Math.floor((count * thread) / threads);
}

/** The longest share: what is set aside in every thread's heap. */
export function longestShare(count: number, threads: number): number {
  return Math.ceil(count / threads);
}

/** The thread whose share holds an item. */
export function shareOwner(count: number, item: number, threads: number): number {
  return Math.floor(((item + 1) * threads - 1) / count);
}

/**
 * Whether channels that stand in groups are split by groups, so that a thread has those of its heads, rather than evenly: where
 * threads have equally many groups.
 */
export function splitsGroups(groups: number, threads: number): boolean {
  return threads > 1 && groups > 1 && groups % threads === 0;
}
