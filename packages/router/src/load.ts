// How evenly a router spreads its tokens. Counts are kept apart from the statistics made of them, so that the counts of
// batches, layers or workers can be added up first.
//
//   entropy   = -sum of share * ln(share), in nats; exp(entropy) is the number of experts effectively in use
//   imbalance = max / mean count, 1 when even; the slowdown of a layer that waits for its busiest expert
//
// Shapes: T tokens, E experts, A experts per token, S = T * A assignments.
import { MoeqError } from '@moeq/tensors';
import type { Routing } from './types.js';

export interface ExpertLoad {
  /** T, summed over what was merged. */
  readonly tokens: number;
  /** Float64 [E], whole numbers: assignments that went to each expert. Float64 counts exactly far beyond 2^32. */
  readonly counts: Float64Array;
}

export interface LoadStatistics {
  /** Float64 [E]: each expert's part of all assignments; zeros when there was no assignment. */
  readonly share: Float64Array;
  /** In nats, from 0 (one expert does it all) to ln E (even). */
  readonly entropy: number;
  /** exp(entropy), from 1 to E. */
  readonly effectiveExperts: number;
  /** Largest count over mean count, from 1 to E. */
  readonly imbalance: number;
  /** Standard deviation of the counts over their mean; 0 when even. */
  readonly coefficientOfVariation: number;
  /** Experts that no token reached. */
  readonly unused: number;
}

/**
 * Counts the assignments that went to each expert.
 * @throws MoeqError when the routing names an expert outside 0 to experts - 1
 */
export function expertLoad({ tokens, expertIndices }: Routing, experts: number): ExpertLoad {
  const counts = new Float64Array(experts);
  for (const expert of expertIndices) {
    if (expert < 0 || expert >= experts) {
      throw new MoeqError({
        operation: 'count the load',
        subject: 'expertIndices',
        expected: `indices from 0 to ${experts - 1}`,
        found: `${expert}`,
      });
    }
    counts[expert] = (counts[expert] as number) + 1;
  }
  return { tokens, counts };
}

/**
 * The load of several batches together. Associative and commutative.
 * @throws MoeqError when there is none, or the numbers of experts differ
 */
export function mergeExpertLoads(loads: readonly ExpertLoad[]): ExpertLoad {
  const experts = loads[0]?.counts.length;
  if (experts === undefined || loads.some((load) => load.counts.length !== experts)) {
    throw new MoeqError({
      operation: 'merge',
      subject: 'expert loads',
      expected: 'one or more with the same number of experts',
      found: `${loads.map((load) => load.counts.length).join(', ') || 'none'}`,
    });
  }
  const counts = new Float64Array(experts);
  let tokens = 0;
  for (const load of loads) {
    tokens += load.tokens;
    for (let e = 0; e < experts; e++) counts[e] = (counts[e] as number) + (load.counts[e] as number);
  }
  return { tokens, counts };
}

/** What the counts say. Without a single assignment the load counts as even: imbalance 1, entropy ln E, share zero. */
export function loadStatistics({ counts }: ExpertLoad): LoadStatistics {
  const experts = counts.length;
  const assignments = counts.reduce((sum, count) => sum + count, 0);
  const unused = counts.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
  if (assignments === 0) {
    return {
      share: new Float64Array(experts),
      entropy: Math.log(experts),
      effectiveExperts: experts,
      imbalance: 1,
      coefficientOfVariation: 0,
      unused,
    };
  }
  const share = counts.map((count) => count / assignments);
  const entropy = share.reduce((sum, part) => (part > 0 ? sum - part * Math.log(part) : sum), 0);
  const mean = assignments / experts;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / experts;
  return {
    share,
    entropy,
    effectiveExperts: Math.exp(entropy),
    imbalance: counts.reduce((max, count) => Math.max(max, count), 0) / mean,
    coefficientOfVariation: Math.sqrt(variance) / mean,
    unused,
  };
}
