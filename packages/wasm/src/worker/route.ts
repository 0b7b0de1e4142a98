// Chooses experts: @moeq/router itself, on every thread alike, and the order in which the experts then run.
import type { DispatchPlan, RouteSpec } from '@moeq/router';
import { planDispatch, route as routeTokens } from '@moeq/router';
import { rankNames, scoreNames } from '../opcodes.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';

/**
 * logits, tokens, experts, experts per token, score, normalizeTopK, epsilon, factor, groups or 0, kept, rank, correction
 * bias or 0, indices, weights
 */
export function route({ words, floats }: Machine, at: number): void {
  const [logits, tokens, experts, expertsPerToken, score, normalize] = operands(words, at, 6);
  const [count, kept, rank, bias, indices, weights] = operands(words, at + 8, 6);
  const spec: RouteSpec = {
    experts,
    expertsPerToken,
    score: scoreNames[score] ?? 'softmax',
    normalizeTopK: normalize === 1,
    normalizeEpsilon: floats[at + 6] as number,
    scalingFactor: floats[at + 7] as number,
    ...(count > 0 && { groups: { count, kept, rank: rankNames[rank] ?? 'max' } }),
  };
  const routing = routeTokens(
    floats.subarray(logits / 4, logits / 4 + tokens * experts),
    tokens,
    spec,
    bias === 0 ? undefined : floats.subarray(bias / 4, bias / 4 + experts),
  );
  words.set(routing.expertIndices, indices / 4);
  floats.set(routing.expertWeights, weights / 4);
}

/** @param indices address of Int32 [T, A] */
export function planAt(
  { words }: Machine,
  indices: number,
  tokens: number,
  expertsPerToken: number,
  experts: number,
): DispatchPlan {
  const expertIndices = words.subarray(indices / 4, indices / 4 + tokens * expertsPerToken);
  return planDispatch({ tokens, expertsPerToken, expertIndices, expertWeights: new Float32Array() }, experts);
}
