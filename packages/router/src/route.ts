// Router logits to experts and weights, as transformers computes them: scores in float32, then the best A of E.
//
//   score  = softmax(logits) | sigmoid(logits) | logits (softmax taken over the chosen, or over those near them)
//   choice = score + correction bias, within the best groups
//   weight = score of the chosen, / (sum + epsilon) where normalizeTopK, * scalingFactor
//
// Sources: transformers' MixtralTopKRouter, GraniteMoeTopKGating, DeepseekV3TopkRouter, PhimoeTopKRouter; arXiv:2412.19437
// section 2.1.2, arXiv:2409.12136.
// Shapes: T tokens, E experts, A experts per token.
import { MoeqError } from '@moeq/tensors';
import { groupFilter } from './groups.js';
import { validateRouteSpec } from './spec.js';
import type { RouteSpec, Routing } from './types.js';

/**
 * Chooses the experts of every token, best first; equal scores go to the lower expert index.
 * A token whose chosen scores sum to zero (sigmoids that underflow) gets weights of zero.
 * @param logits Float32 [T, E], all finite
 * @param correctionBias Float32 [E], takes part in the choice and not in the weights
 * @throws MoeqError for a specification that contradicts itself, wrong lengths, or a logit or bias that is no finite number
 */
export function route(
  logits: Float32Array,
  tokens: number,
  spec: RouteSpec,
  correctionBias?: Float32Array,
): Routing {
  validateRouteSpec(spec);
  const { experts, expertsPerToken } = spec;
  checkLength('router logits', logits, tokens * experts);
  if (correctionBias !== undefined) checkLength('correction bias', correctionBias, experts);

  const score = scores[spec.score];
  const filterGroups = groupFilter(spec);
  const scored = new Float32Array(experts); // [E]
  const choice = new Float32Array(experts); // [E]
  const expertIndices = new Int32Array(tokens * expertsPerToken); // [T, A]
  const expertWeights = new Float32Array(tokens * expertsPerToken); // [T, A]

  for (let token = 0; token < tokens; token++) {
    score(logits.subarray(token * experts, (token + 1) * experts), scored);
    choice.set(scored);
    if (correctionBias !== undefined)
      choice.forEach((value, e) => {
        choice[e] = value + (correctionBias[e] as number);
      });
    filterGroups(choice);
    const assignments = token * expertsPerToken;
    const chosen = expertIndices.subarray(assignments, assignments + expertsPerToken); // [A]
    const weights = expertWeights.subarray(assignments, assignments + expertsPerToken); // [A]
    takeBest(choice, chosen);
    chosen.forEach((expert, a) => {
      weights[a] = spec.score === 'sparseMixer' ? mixed(scored, chosen, a, spec) : (scored[expert] as number);
    });
    finishWeights(weights, spec);
  }
  return { tokens, expertsPerToken, expertIndices, expertWeights };
}

/** Writes the scores of one token's logits. */
const scores: Record<RouteSpec['score'], (logits: Float32Array, out: Float32Array) => void> = {
  softmax,
  softmaxAfterTopK: (logits, out) => out.set(logits),
  sigmoid: (logits, out) =>
    logits.forEach((logit, e) => {
      out[e] = 1 / (1 + Math.exp(-logit));
    }),
  sparseMixer: (logits, out) => out.set(logits),
};

/** The softmax of the chosen at place `a` over the logits near it, without those of the experts chosen before. */
function mixed(logits: Float32Array, chosen: Int32Array, a: number, { jitter = 0 }: RouteSpec): number {
  const own = logits[chosen[a] as number] as number;
  const before = chosen.subarray(0, a);
  const sum = logits.reduce((total, logit, e) => {
    const isFar = own - logit > 2 * jitter * Math.max(Math.abs(logit), own);
    return isFar || before.includes(e) ? total : total + Math.exp(logit - own);
  }, 0);
  return 1 / sum;
}

/** exp(x - max) / sum; `out` may be `logits`. */
function softmax(logits: Float32Array, out: Float32Array): void {
  let max = -Infinity;
  for (const logit of logits) max = Math.max(max, logit);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    out[i] = Math.exp((logits[i] as number) - max);
    sum += out[i] as number;
  }
  for (let i = 0; i < logits.length; i++) out[i] = (out[i] as number) / sum;
}

/** The experts of the largest choices, best first, by repeated search: A is small. `choice` is used up. */
function takeBest(choice: Float32Array, chosen: Int32Array): void {
  for (let a = 0; a < chosen.length; a++) {
    let best = 0;
    for (let e = 1; e < choice.length; e++) {
      if ((choice[e] as number) > (choice[best] as number)) best = e;
    }
    chosen[a] = best;
    choice[best] = -Infinity;
  }
}

/** From the scores of the chosen [A] to their weights, in place. */
function finishWeights(weights: Float32Array, spec: RouteSpec): void {
  if (spec.score === 'softmaxAfterTopK') {
    softmax(weights, weights);
  } else if (spec.normalizeTopK && spec.score !== 'sparseMixer') {
    const sum = weights.reduce((total, weight) => total + weight, spec.normalizeEpsilon ?? 0);
    if (sum > 0) for (let a = 0; a < weights.length; a++) weights[a] = (weights[a] as number) / sum;
  }
  const factor = spec.scalingFactor ?? 1;
  if (factor !== 1) for (let a = 0; a < weights.length; a++) weights[a] = (weights[a] as number) * factor;
}

function checkLength(subject: string, values: Float32Array, expected: number): void {
  if (values.length !== expected) {
    throw new MoeqError({
      operation: 'route',
      subject,
      expected: `${expected} numbers`,
      found: `${values.length}`,
    });
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new MoeqError({
      code: 'notFinite',
      operation: 'route',
      subject,
      expected: 'finite numbers',
      found: `${values[wrong]} at index ${wrong}`,
    });
  }
}
