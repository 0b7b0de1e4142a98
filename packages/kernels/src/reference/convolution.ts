// Causal convolution of each channel, and the states that it keeps: the last k - 1 inputs of a sequence, oldest first.
//
// Shapes: T tokens, C channels, k taps.
import type { StateCacheSpec } from '../resources.js';
import type { ConvolutionSpec, GroupColumns, StateSegment } from '../step.js';
import { activations } from './activation.js';

export interface States {
  readonly spec: StateCacheSpec;
  readonly bytes: number;
  /** L times Float32 [slots, size, parts] */
  readonly layers: readonly Float32Array[];
}

export function makeStates(spec: StateCacheSpec): States {
  const { layers, parts, size, slots } = spec;
  return {
    spec,
    bytes: 4 * layers * slots * size * parts,
    layers: Array.from({ length: layers }, () => new Float32Array(slots * size * parts)),
  };
}

type Spec = Required<Omit<ConvolutionSpec, 'bias' | 'first'>>;

interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** Column of x of each channel. */
function channelColumns({ groups, parts }: Spec['columns']): number[] {
  const ofPart = ({ at, stride, width }: GroupColumns): number[] =>
    Array.from({ length: groups * width }, (_, i) => at + stride * Math.floor(i / width) + (i % width));
  return parts.flatMap(ofPart);
}

/**
 * Reads and writes the states of one layer.
 * @param x Float32 [T, C] or, of more columns, as `columns` says, or [T, 3 C] of gates B and C and inputs
 * @param weight Float32 [C, k]
 * @param bias Float32 [C]
 * @param states Float32 [slots, k - 1, C]
 * @returns Float32 [T, C]
 */
export function convolve(
  x: Rows,
  weight: Float32Array,
  bias: Float32Array | null,
  states: Float32Array,
  segments: readonly StateSegment[],
  { taps, gated, silu, columns: chosen }: Spec,
): Float32Array {
  const channels = weight.length / taps;
  const { columns } = x;
  const columnOf = channelColumns(chosen);
  const stateSize = (taps - 1) * channels;
  const output = new Float32Array(x.rows * channels);
  let row = 0;
  for (const { tokens, from, to } of segments) {
    const inputs = new Float32Array(stateSize + tokens * channels); // [k - 1 + tokens, C]
    if (from >= 0) inputs.set(states.subarray(from * stateSize, (from + 1) * stateSize));
    for (let token = 0; token < tokens; token++, row++) {
      const own = x.values.subarray(row * columns, (row + 1) * columns);
      for (let c = 0; c < channels; c++) {
        const gate = gated ? (own[c] as number) : 1;
        const column = gated ? 2 * channels + c : (columnOf[c] as number);
        inputs[stateSize + token * channels + c] = gate * (own[column] as number);
        let sum = bias?.[c] ?? 0;
        for (let i = 0; i < taps; i++)
          sum += (weight[c * taps + i] as number) * (inputs[(token + i) * channels + c] as number);
        if (silu) sum = activations.silu(sum, 1);
        output[row * channels + c] = gated ? (own[channels + c] as number) * Math.fround(sum) : sum;
      }
    }
    states.set(inputs.subarray(tokens * channels), to * stateSize);
  }
  return output;
}
