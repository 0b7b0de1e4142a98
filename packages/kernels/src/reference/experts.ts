// The routed experts: every expert runs once over its own tokens, then outputs are weighted and summed token by token.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A assignments, D hidden.
import type { Routing } from '@moeq/router';
import { combine, planDispatch } from '@moeq/router';
import type { Activation } from '../activation.js';
import type { Mlp } from './mlp.js';
import { runMlp } from './mlp.js';

/**
 * @param x Float32 [T, D]
 * @returns Float32 [T, D]
 */
export function runExperts(
  x: Float32Array,
  routing: Routing,
  experts: readonly Mlp[],
  activation: Activation,
): Float32Array {
  const plan = planDispatch(routing, experts.length);
  const hidden = x.length / routing.tokens;
  const sorted = gatherRows(x, hidden, plan.tokenOfAssignment); // [S, D]
  const outputs = new Float32Array(sorted.length); // [S, D]
  experts.forEach((expert, e) => {
    const first = (plan.offsets[e] as number) * hidden;
    const end = (plan.offsets[e + 1] as number) * hidden;
    if (end > first) outputs.set(runMlp(sorted.subarray(first, end), expert, activation), first);
  });
  return combine(outputs, routing, plan, hidden);
}

/** Rows of a matrix of `columns` columns by index. */
export function gatherRows(x: Float32Array, columns: number, rows: Int32Array): Float32Array {
  const gathered = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    gathered.set(x.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return gathered;
}
