// Chooses experts: @moeq/router itself, on every thread alike, and the order in which the experts then run.
import type { DispatchPlan, RouteSpec } from '@moeq/router';
import { planDispatch, route as routeTokens } from '@moeq/router';
import type { View } from '../abi/decode.js';
import { groupRanks, scores } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import type { Machine } from './machine.js';

const scoreNames = Object.keys(scores) as (keyof typeof scores)[];
const rankNames = Object.keys(groupRanks) as (keyof typeof groupRanks)[];

export function route({ words, floats }: Machine, operands: View<Instructions['route']>): void {
  const { logits, tokens, experts, active, groups, bias, scales } = operands;
  const score = scoreNames[operands.score] as RouteSpec['score'];
  const spec: RouteSpec = {
    experts,
    expertsPerToken: active,
    score,
    ...(score === 'sparseMixer' && { jitter: operands.jitter }),
    normalizeTopK: operands.normalizeTopK,
    normalizeEpsilon: operands.normalizeEpsilon,
    scalingFactor: operands.scalingFactor,
    ...(groups > 0 && {
      groups: {
        count: groups,
        kept: operands.keptGroups,
        rank: rankNames[operands.groupRank] as keyof typeof groupRanks,
      },
    }),
  };
  const routing = routeTokens(
    floats.subarray(logits / 4, logits / 4 + tokens * experts),
    tokens,
    spec,
    bias === 0 ? undefined : floats.subarray(bias / 4, bias / 4 + experts),
  );
  words.set(routing.expertIndices, operands.indices / 4);
  const { expertIndices, expertWeights } = routing;
  const weights =
    scales === 0
      ? expertWeights
      : expertWeights.map(
          (weight, i) => weight * (floats[scales / 4 + (expertIndices[i] as number)] as number),
        );
  floats.set(weights, operands.weights / 4);
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
