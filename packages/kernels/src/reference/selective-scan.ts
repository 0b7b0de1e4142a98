// The recurrence of a selective state space, token by token: Mamba, arXiv 2312.00752, and Mamba 2, arXiv 2405.21060.
//   d = softplus(timeStep + bias);  S = exp(-d exp(A)) S + d x ⊗ B;  y = (S C + D x) silu(gate)
//
// Shapes: T tokens, H heads, P numbers of a head, N numbers of a state, G groups.
import type { ScanColumns } from '../shell/operands.js';
import type { ScanSpec, StateSegment } from '../step.js';
import { activations } from './activation.js';
import type { Result } from './types.js';

/**
 * Reads and writes the states of one layer.
 * @param parameters Float32: A [H] or [H, N], biases of the time steps [H], D [H]
 * @param states Float32 [slots, H, P, N]
 * @returns Float32 [T, H P]
 */
export function scan(
  inputs: ScanColumns<Result>,
  parameters: Float32Array,
  states: Float32Array,
  segments: readonly StateSegment[],
  spec: ScanSpec,
): Float32Array {
  const { heads, headDim, stateDim, groups, decays, leastTimeStep, largestTimeStep } = spec;
  const inner = heads * headDim;
  const stateSize = inner * stateDim;
  const perHead = decays === 'head' ? 1 : stateDim;
  const rates = parameters.subarray(0, heads * perHead).map(Math.exp);
  const biases = parameters.subarray(heads * perHead, heads * perHead + heads);
  const skips = parameters.subarray(heads * perHead + heads);
  const { x, bc, timeStep, gate } = inputs;
  const output = new Float32Array(inner * x.node.rows);
  let row = 0;
  for (const { tokens, from, to } of segments) {
    const state = states.subarray(to * stateSize, (to + 1) * stateSize);
    if (from < 0) state.fill(0);
    else state.set(states.subarray(from * stateSize, (from + 1) * stateSize));
    for (const end = row + tokens; row < end; row++) {
      for (let h = 0; h < heads; h++) {
        const group = Math.floor((h * groups) / heads) * stateDim;
        const raw = valueAt(timeStep, row, h) + (biases[h] as number);
        const d = Math.min(Math.max(softplus(raw), leastTimeStep), largestTimeStep);
        for (let channel = h * headDim; channel < (h + 1) * headDim; channel++) {
          const input = valueAt(x, row, channel);
          let sum = 0;
          for (let n = 0; n < stateDim; n++) {
            const rate = rates[perHead === 1 ? h : h * stateDim + n] as number;
            const place = channel * stateDim + n;
            const kept = Math.exp(-d * rate) * (state[place] as number);
            state[place] = kept + d * input * valueAt(bc, row, group + n);
            sum += (state[place] as number) * valueAt(bc, row, groups * stateDim + group + n);
          }
          const factor = activations.silu(valueAt(gate, row, channel), 1);
          output[row * inner + channel] = (sum + (skips[h] as number) * input) * factor;
        }
      }
    }
  }
  return output;
}

function valueAt(
  { node, first }: ScanColumns<Result>[keyof ScanColumns<Result>],
  row: number,
  column: number,
): number {
  return node.values[row * node.columns + first + column] as number;
}

/** ln(1 + e^x), which is x itself in float64 where x is large. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
