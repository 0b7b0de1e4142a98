// An MLP, which every expert is: y = down(act(gate(x)) * up(x)), or down(act(up(x))); arXiv:2002.05202.
//
// Shapes: T tokens, D hidden, F intermediate.
import type { Activation } from '../activation.js';
import type { MlpData } from '../resources.js';
import { innerFunction } from './activation.js';
import { linear } from './linear.js';
import type { StackedMatrix } from './matrix.js';
import { stackRows } from './matrix.js';

export interface Mlp {
  readonly hidden: number;
  readonly intermediate: number;
  readonly bytes: number;
  /** [2F, D]: gate, then up; [F, D]: up alone. */
  readonly gateUp: StackedMatrix;
  /** [D, F] */
  readonly down: StackedMatrix;
  readonly gateUpBias: Float32Array | undefined;
  readonly downBias: Float32Array | undefined;
}

/** Copies the weights, which fit each other. */
export function makeMlp(data: MlpData): Mlp {
  const gateUp = stackRows(data.gateUp);
  const down = stackRows([data.down]);
  const [gateUpBias, downBias] = [data.gateUpBias?.slice(), data.downBias?.slice()];
  const biases = (gateUpBias?.byteLength ?? 0) + (downBias?.byteLength ?? 0);
  const bytes = gateUp.bytes + down.bytes + biases;
  return { hidden: down.rows, intermediate: down.columns, bytes, gateUp, down, gateUpBias, downBias };
}

/**
 * @param x Float32 [T, D]
 * @returns Float32 [T, D]
 */
export function runMlp(
  x: Float32Array,
  { intermediate, gateUp, down, gateUpBias, downBias }: Mlp,
  activation: Activation,
): Float32Array {
  const innerOf = innerFunction(activation);
  const parts = activation.gated ? 2 : 1;
  const gatesUps = linear(x, gateUp, gateUpBias); // [T, 2F] or [T, F]
  const inner = new Float32Array(gatesUps.length / parts); // [T, F]
  for (let i = 0; i < inner.length; i++) {
    const first = Math.floor(i / intermediate) * intermediate * (parts - 1) + i;
    inner[i] = innerOf(gatesUps[first] as number, gatesUps[first + intermediate] as number);
  }
  return linear(inner, down, downBias);
}
