// Routing by sorting everything in float64, and random router logits whose choice no rounding can change.
//
// Shapes: T tokens, E experts, A experts per token.
import type { RouteSpec } from '@moeq/router';
import { naiveSigmoid } from './naive.js';
import type { Random } from './random.js';

export interface NaiveChoice {
  /** A experts, best first. */
  readonly experts: readonly number[];
  readonly weights: readonly number[];
  /** The least relative distance between two scores whose order mattered; 0 where there was a tie. */
  readonly margin: number;
}

/** The experts of one token. */
export function naiveRoute(
  logits: readonly number[],
  spec: RouteSpec,
  bias: ArrayLike<number> = new Float32Array(spec.experts),
): NaiveChoice {
  const { expertsPerToken, score, groups = { count: 1, kept: 1, rank: 'max' } } = spec;
  const scores =
    score === 'softmax' ? softmax(logits) : score === 'sigmoid' ? logits.map(naiveSigmoid) : [...logits];
  const choices = scores.map((value, e) => value + (bias[e] as number));

  const size = spec.experts / groups.count;
  const ranks = Array.from({ length: groups.count }, (_, group) => {
    const best = choices.slice(group * size, (group + 1) * size).sort((a, b) => b - a);
    return groups.rank === 'max' ? (best[0] as number) : (best[0] as number) + (best[1] as number);
  });
  const groupOrder = descending(ranks);
  const kept = groupOrder.slice(0, groups.kept);
  const order = descending(choices).filter((e) => kept.includes(Math.floor(e / size)));
  const experts = order.slice(0, expertsPerToken);

  let weights = experts.map((e) => scores[e] as number);
  if (score === 'softmaxAfterTopK') weights = softmax(weights);
  else if (score === 'sparseMixer') weights = experts.map((_, a) => mixed(scores, experts, a, spec));
  else if (spec.normalizeTopK) {
    const sum = weights.reduce((total, weight) => total + weight, spec.normalizeEpsilon ?? 0);
    weights = weights.map((weight) => weight / sum);
  }
  return {
    experts,
    weights: weights.map((weight) => weight * (spec.scalingFactor ?? 1)),
    margin: Math.min(
      leastGap(choices, order, expertsPerToken),
      leastGap(ranks, groupOrder, groups.kept),
      ...experts.flatMap((_, a) => distances(scores, experts, a, spec).map(({ edge }) => edge)),
    ),
  };
}

/** How far the logits that are not chosen before place `a` are from the one there, and from the edge of those that count. */
function distances(
  logits: readonly number[],
  experts: readonly number[],
  a: number,
  { jitter }: RouteSpec,
): { distance: number; edge: number }[] {
  if (jitter === undefined) return [];
  const own = logits[experts[a] as number] as number;
  return logits
    .filter((_, e) => !experts.slice(0, a).includes(e))
    .map((logit) => ({
      distance: own - logit,
      edge: own - logit - 2 * jitter * Math.max(Math.abs(logit), own),
    }))
    .map(({ distance, edge }) => ({ distance: edge > 0 ? Infinity : distance, edge: Math.abs(edge) }));
}

/** e^own / Σ e^logit of those near it (arXiv 2409.12136). */
function mixed(logits: readonly number[], experts: readonly number[], a: number, spec: RouteSpec): number {
  return (
    1 / distances(logits, experts, a, spec).reduce((total, { distance }) => total + Math.exp(-distance), 0)
  );
}

function descending(values: readonly number[]): number[] {
  return values.map((_, i) => i).sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
}

/** The least relative gap between neighbours among the first `count` + 1 of an order. */
function leastGap(values: readonly number[], order: readonly number[], count: number): number {
  let least = Infinity;
  for (let i = 0; i < count && i + 1 < order.length; i++) {
    const upper = values[order[i] as number] as number;
    const lower = values[order[i + 1] as number] as number;
    least = Math.min(least, (upper - lower) / (Math.abs(upper) + Math.abs(lower) || 1));
  }
  return least;
}

function softmax(values: readonly number[]): number[] {
  const max = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - max));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Far above what float32 arithmetic, a GPU's exp included, can move a score. */
const safeMargin = 1e-4;

/** Float32 [T, E]: normal logits, each token's drawn again until its choice is clear. */
export function clearLogits(
  tokens: number,
  spec: RouteSpec,
  random: Random,
  bias?: Float32Array,
): Float32Array {
  const logits = new Float32Array(tokens * spec.experts);
  for (let token = 0; token < tokens; token++) {
    let drawn: Float32Array;
    do drawn = random.normals(spec.experts, 1.5);
    while (naiveRoute([...drawn], spec, bias).margin < safeMargin);
    logits.set(drawn, token * spec.experts);
  }
  return logits;
}
