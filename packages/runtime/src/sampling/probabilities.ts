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

/** Tokens still in the running and their weights, unnormalised; of two equal ones the lower id stands first. */
interface Candidates {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
}

/** @param logits float32 [V], no NaN and no +infinity, at least one finite; not changed */
export function probabilities(
  logits: Float32Array,
  { temperature, topK, topP, minP }: WarpSettings,
): Distribution {
  const ids = topK > 0 && topK < logits.length ? largest(logits, topK) : upTo(logits.length);
  let kept: Candidates = { ids, weights: exponentials(logits, ids, temperature) };
  if (topP < 1) kept = nucleus(kept, topP);
  if (minP > 0) kept = filter(kept, (weight) => weight >= minP);
  const total = sum(kept.weights);
  for (let index = 0; index < kept.weights.length; index += 1) {
    kept.weights[index] = (kept.weights[index] as number) / total;
  }
  return { tokenIds: kept.ids, probabilities: kept.weights };
}

/** The token at `point`, from 0 to below 1, of the distribution's sum. */
export function draw({ tokenIds, probabilities: shares }: Distribution, point: number): number {
  let reached = 0;
  let last = 0;
  for (let index = 0; index < shares.length; index += 1) {
    const share = shares[index] as number;
    if (share === 0) continue;
    last = tokenIds[index] as number;
    reached += share;
    if (point < reached) return last;
  }
  // Rounding may leave the sum a little below 1.
  return last;
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

function nucleus(candidates: Candidates, topP: number): Candidates {
  const total = sum(candidates.weights);
  // All tokens below an n-th of the mass outside the nucleus fit into that mass together, so none of them is in the
  // nucleus, and only the few above need sorting.
  const floor = ((1 - topP) * total) / candidates.weights.length;
  const heavy = filter(candidates, (weight) => weight >= floor);
  const ascending = heavy.weights.slice().sort();
  let first = ascending.length - 1;
  for (let reached = ascending[first] as number; first > 0 && reached < topP * total; ) {
    first -= 1;
    reached += ascending[first] as number;
  }
  const lightest = ascending[first] as number;
  // Of those that weigh as much as the lightest of the nucleus, as many as it has, the first ones.
  let equals = ascending.lastIndexOf(lightest) - first + 1;
  return filter(heavy, (weight) => {
    if (weight === lightest) equals -= 1;
    return weight > lightest || (weight === lightest && equals >= 0);
  });
}

/** Those whose weight passes, in their order; `keep` is asked once for each. */
function filter({ ids, weights }: Candidates, keep: (weight: number) => boolean): Candidates {
  const keptIds = new Int32Array(ids.length);
  const keptWeights = new Float64Array(ids.length);
  let count = 0;
  for (let index = 0; index < ids.length; index += 1) {
    const weight = weights[index] as number;
    if (!keep(weight)) continue;
    keptIds[count] = ids[index] as number;
    keptWeights[count] = weight;
    count += 1;
  }
  return { ids: keptIds.subarray(0, count), weights: keptWeights.subarray(0, count) };
}

/** 0, 1, … count - 1 */
function upTo(count: number): Int32Array {
  const indices = new Int32Array(count);
  for (let index = 0; index < count; index += 1) indices[index] = index;
  return indices;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let index = 0; index < values.length; index += 1) total += values[index] as number;
  return total;
}
