// From logits to the distribution that a token is drawn from, in the order of transformers' warpers:
//
//   temperature   w = exp((logit - max) / temperature)
//   topK          the k largest
//   topP          the fewest tokens, most likely first, that together reach p (Holtzman et al., arXiv 1904.09751)
//   minP          those with at least minP times the probability of the best (Nguyen et al., arXiv 2407.01082)
//
// Each works on what the one before left, renormalised. Sums are float64. Where transformers keeps every token that ties
// with the k-th, the lower token ids win here and exactly k stay.
import { largest } from './select.js';

export interface WarpSettings {
  /** Above 0. */
  readonly temperature: number;
  /** 0: no limit. */
  readonly topK: number;
  /** 1: no limit. */
  readonly topP: number;
  /** 0: no limit. */
  readonly minP: number;
}

/** Token ids with their probabilities, which sum to 1. Ids not listed have none. */
export interface Distribution {
  readonly tokenIds: Int32Array;
  readonly probabilities: Float64Array;
}

/** Tokens still in the running and their weights, unnormalised. */
interface Candidates {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
}

/** @param logits float32 [V], no NaN and no +infinity, at least one finite; not changed */
export function probabilities(
  logits: Float32Array,
  { temperature, topK, topP, minP }: WarpSettings,
): Distribution {
  const limited = topK > 0 && topK < logits.length;
  const ids = limited ? largest(logits, topK) : upTo(logits.length);
  let kept: Candidates = { ids, weights: exponentials(logits, ids, temperature) };
  if (topP < 1) kept = nucleus(kept, topP);
  if (minP > 0) kept = pick(kept, (index) => (kept.weights[index] as number) >= minP);
  const total = sum(kept.weights);
  return { tokenIds: kept.ids, probabilities: kept.weights.map((weight) => weight / total) };
}

/** exp((logit - max) / temperature): the best weighs exactly 1. */
function exponentials(logits: Float32Array, ids: Int32Array, temperature: number): Float64Array {
  let max = -Infinity;
  for (const id of ids) max = Math.max(max, logits[id] as number);
  const weights = new Float64Array(ids.length);
  for (let index = 0; index < ids.length; index += 1) {
    weights[index] = Math.exp(((logits[ids[index] as number] as number) - max) / temperature);
  }
  return weights;
}

function nucleus({ ids, weights }: Candidates, topP: number): Candidates {
  const total = sum(weights);
  // All tokens below an n-th of the mass outside the nucleus fit into that mass together, so none of them is in the
  // nucleus, and only the few above need sorting.
  const floor = ((1 - topP) * total) / weights.length;
  const { ids: sortedIds, weights: sorted } = descending(
    pick({ ids, weights }, (index) => (weights[index] as number) >= floor),
  );
  let count = 0;
  for (let reached = 0; count < sorted.length && (count === 0 || reached < topP * total); count += 1) {
    reached += sorted[count] as number;
  }
  return { ids: sortedIds.subarray(0, count), weights: sorted.subarray(0, count) };
}

/** Largest weight first, lower ids first among equals. */
function descending({ ids, weights }: Candidates): Candidates {
  const order = upTo(ids.length).sort(
    (a, b) => (weights[b] as number) - (weights[a] as number) || (ids[a] as number) - (ids[b] as number),
  );
  return gather({ ids, weights }, order);
}

function pick(candidates: Candidates, keep: (index: number) => boolean): Candidates {
  return gather(candidates, upTo(candidates.ids.length).filter(keep));
}

function gather({ ids, weights }: Candidates, order: Int32Array): Candidates {
  return {
    ids: Int32Array.from(order, (index) => ids[index] as number),
    weights: Float64Array.from(order, (index) => weights[index] as number),
  };
}

/** 0, 1, … count - 1 */
function upTo(count: number): Int32Array {
  const indices = new Int32Array(count);
  for (let index = 0; index < count; index += 1) indices[index] = index;
  return indices;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
