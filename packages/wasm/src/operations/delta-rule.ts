// The gated delta rule in a program.
//
// Shapes: T tokens, H heads, HK key heads, C key dimension, CV value dimension.
import type { DeltaRuleSpec, GroupPlace, StateSegment } from '@moeq/kernels';
import type { Recorded } from '../graph.js';
import type { LoadedStates, LoadedVector } from '../loaded.js';
import type { Value } from '../value.js';

interface Inputs {
  readonly beta: Value;
  readonly decay: Value;
  readonly gate: Value;
}

export function deltaRule(
  qkv: Value,
  inputs: Inputs,
  weights: LoadedVector,
  cache: LoadedStates,
  layer: number,
  segments: readonly StateSegment[],
  { heads, keyHeads, keyDim, valueDim, decayPer, gate, epsilon, places }: DeltaRuleSpec,
): Recorded {
  const tokens = qkv.rows;
  const width = heads * valueDim;
  return {
    rows: tokens,
    columns: width,
    inputs: [...new Set([qkv, inputs.beta, inputs.decay, inputs.gate])],
    emit(program) {
      const placed = (value: Value, { at, stride }: GroupPlace) => ({
        x: program.addressOf(value),
        columns: value.columns,
        at,
        stride,
      });
      const keys = keyHeads * keyDim;
      const source = program.sharesOf(qkv, [
        { first: 0, count: keyHeads, size: keyDim },
        { first: keys, count: keyHeads, size: keyDim },
        { first: 2 * keys, count: heads, size: valueDim },
      ]);
      const [beta, decay, gates] = [
        placed(inputs.beta, places.beta),
        placed(inputs.decay, places.decay),
        placed(inputs.gate, places.gate),
      ];
      const room = program.allocate(3 * keyDim);
      const out = program.allocate(tokens * width);
      program.emit('deltaRule', {
        qkv: source,
        beta,
        decay,
        gate: gates,
        silu: gate === 'silu',
        heads,
        keyHeads,
        keyDim,
        valueDim,
        decays: decayPer === 'head' ? 1 : keyDim,
        weights: weights.address,
        epsilon,
        states: cache.address + cache.stride * cache.spec.slots * layer,
        stateStride: cache.stride,
        room,
        out,
        segments: segments.map(({ tokens: own, from, to }) => ({ tokens: own, from: from + 1, to })),
      });
      program.free(room);
      program.gather(out, tokens, width, [{ first: 0, count: heads, size: valueDim }]);
      return out;
    },
  };
}
