// Dispatch sorts the assignments of a routing by expert, so that each expert runs once over all of its tokens; combine puts
// the outputs back: y[t] = sum over a of weight[t, a] * output of the assignment of (t, a).
//
// Shapes: T tokens, E experts, A experts per token, S = T * A assignments, D hidden.
import { MoeqError } from '@moeq/tensors';
import type { DispatchPlan, Routing } from './types.js';

/**
 * Sorts assignments by expert, and inside an expert by token: a counting sort, O(S + E).
 * @throws MoeqError when the routing names an expert outside 0 to experts - 1
 */
export function planDispatch(
  { tokens, expertsPerToken, expertIndices }: Routing,
  experts: number,
): DispatchPlan {
  const assignments = tokens * expertsPerToken;
  if (expertIndices.length !== assignments) {
    fail(
      'plan the dispatch',
      'expertIndices',
      `${tokens} x ${expertsPerToken} indices`,
      `${expertIndices.length}`,
    );
  }
  const offsets = new Int32Array(experts + 1);
  for (const expert of expertIndices) {
    if (expert < 0 || expert >= experts) {
      fail('plan the dispatch', 'expertIndices', `indices from 0 to ${experts - 1}`, `${expert}`);
    }
    offsets[expert + 1] = (offsets[expert + 1] as number) + 1;
  }
  for (let e = 0; e < experts; e++) offsets[e + 1] = (offsets[e + 1] as number) + (offsets[e] as number);

  const next = offsets.slice(0, experts); // [E]: the next free sorted assignment of each expert
  const tokenOfAssignment = new Int32Array(assignments);
  const sortedAssignment = new Int32Array(assignments);
  for (let assignment = 0; assignment < assignments; assignment++) {
    const expert = expertIndices[assignment] as number;
    const sorted = next[expert] as number;
    next[expert] = sorted + 1;
    tokenOfAssignment[sorted] = Math.floor(assignment / expertsPerToken);
    sortedAssignment[assignment] = sorted;
  }
  return { offsets, tokenOfAssignment, sortedAssignment };
}

/**
 * Weighs and sums the experts' outputs of every token, in float64 over the A experts.
 * @param expertOutputs Float32 [S, D] in the order of the sorted assignments
 * @param hidden D
 * @param out Float32 [T, D], written and returned when given
 * @throws MoeqError when a length is not what the routing asks for
 */
export function combine(
  expertOutputs: Float32Array,
  { tokens, expertsPerToken, expertWeights }: Routing,
  { sortedAssignment }: DispatchPlan,
  hidden: number,
  out: Float32Array = new Float32Array(tokens * hidden),
): Float32Array {
  const assignments = tokens * expertsPerToken;
  const check = (subject: string, found: number, expected: number): void => {
    if (found !== expected) fail('combine', subject, `${expected} numbers`, `${found}`);
  };
  check('expertOutputs', expertOutputs.length, assignments * hidden);
  check('expertWeights', expertWeights.length, assignments);
  check('sortedAssignment', sortedAssignment.length, assignments);
  check('out', out.length, tokens * hidden);

  for (let token = 0; token < tokens; token++) {
    for (let d = 0; d < hidden; d++) {
      let sum = 0;
      for (
        let assignment = token * expertsPerToken;
        assignment < (token + 1) * expertsPerToken;
        assignment++
      ) {
        sum +=
          (expertWeights[assignment] as number) *
          (expertOutputs[(sortedAssignment[assignment] as number) * hidden + d] as number);
      }
      out[token * hidden + d] = sum;
    }
  }
  return out;
}

function fail(operation: string, subject: string, expected: string, found: string): never {
  throw new MoeqError({ operation, subject, expected, found });
}
