// A gated MLP, which every expert is: y = down(act(gate(x)) * up(x)); arXiv:2002.05202.
//
// Shapes: T tokens, D hidden, F intermediate.
import type { MlpData } from '../backend.js';
import type { Activation } from '../step.js';
import { activations } from './activation.js';
import { linear } from './linear.js';
import type { StackedMatrix } from './matrix.js';
import { stackMatrices } from './matrix.js';

export interface Mlp {
  readonly hidden: number;
  readonly intermediate: number;
  readonly bytes: number;
  /** [2F, D]: gate, then up. */
  readonly gateUp: StackedMatrix;
  /** [D, F] */
  readonly down: StackedMatrix;
}

/** Copies the weights, which fit each other. */
export function makeMlp(data: MlpData): Mlp {
  const gateUp = stackMatrices(data.gateUp);
  const down = stackMatrices([data.down]);
  return { hidden: down.rows, intermediate: down.columns, bytes: gateUp.bytes + down.bytes, gateUp, down };
}

/**
 * @param x Float32 [T, D]
 * @returns Float32 [T, D]
 */
export function runMlp(
  x: Float32Array,
  { intermediate, gateUp, down }: Mlp,
  activation: Activation,
): Float32Array {
  const activate = activations[activation];
  const gatesUps = linear(x, gateUp); // [T, 2F]
  const inner = new Float32Array(gatesUps.length / 2); // [T, F]
  for (let i = 0; i < inner.length; i++) {
    const gate = Math.floor(i / intermediate) * intermediate + i;
    inner[i] = activate(gatesUps[gate] as number) * (gatesUps[gate + intermediate] as number);
  }
  return linear(inner, down);
}
