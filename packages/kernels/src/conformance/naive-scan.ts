// A selective state space in float64, a token at a time, as its papers have it: Mamba, arXiv 2312.00752, algorithm 2, and Mamba 2,
// arXiv 2405.21060, section 2.
import type { ScanSpec } from '../step.js';

/** One token's numbers. */
export interface ScanToken {
  /** [H P] */
  readonly x: readonly number[];
  /** [2 G N] */
  readonly bc: readonly number[];
  /** [H] */
  readonly timeStep: readonly number[];
  /** [H P] */
  readonly gate: readonly number[];
}

/** A sum, and the root of the sum of squares of what it sums: its size if nothing cancels. */
export interface Sum {
  readonly value: number;
  readonly size: number;
}

/** S [H P][N] of a sequence at its start. */
export function emptyScanState({ heads, headDim, stateDim }: ScanSpec): Sum[][] {
  return Array.from({ length: heads * headDim }, () =>
    Array.from({ length: stateDim }, () => ({ value: 0, size: 0 })),
  );
}

/** Changes the state. @returns y [H P] */
export function naiveScan(
  state: Sum[][],
  { x, bc, timeStep, gate }: ScanToken,
  parameters: ArrayLike<number>,
  { heads, headDim, stateDim, groups, decays, leastTimeStep, largestTimeStep }: ScanSpec,
): Sum[] {
  const decayCount = decays === 'head' ? heads : heads * stateDim;
  return state.map((row, channel) => {
    const h = Math.floor(channel / headDim);
    const group = Math.floor(h / (heads / groups));
    const raw = (timeStep[h] as number) + (parameters[decayCount + h] as number);
    const positive = raw > 30 ? raw : Math.log1p(Math.exp(raw));
    const delta = Math.min(largestTimeStep, Math.max(leastTimeStep, positive));
    const input = x[channel] as number;
    let sum = (parameters[decayCount + heads + h] as number) * input;
    let squares = sum * sum;
    for (const [n, before] of row.entries()) {
      const a = -Math.exp(parameters[decays === 'head' ? h : h * stateDim + n] as number);
      const b = bc[group * stateDim + n] as number;
      const c = bc[(groups + group) * stateDim + n] as number;
      const decay = Math.exp(delta * a);
      const added = delta * b * input;
      const next = { value: decay * before.value + added, size: Math.hypot(decay * before.size, added) };
      row[n] = next;
      sum += c * next.value;
      squares += (c * next.size) ** 2;
    }
    const z = gate[channel] as number;
    const factor = z / (1 + Math.exp(-z));
    return { value: sum * factor, size: Math.abs(Math.sqrt(squares) * factor) };
  });
}
