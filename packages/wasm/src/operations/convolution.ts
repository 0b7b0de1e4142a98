// Convolution in a program.
//
// Shapes: T tokens, C channels, k taps.
import type { ConvolutionSpec, StateSegment } from '@moeq/kernels';
import type { Recorded } from '../graph.js';
import type { LoadedStates, LoadedVector } from '../loaded.js';
import { longestShare, splitsGroups } from '../share.js';
import type { Value } from '../value.js';

export function convolution(
  x: Value,
  weight: LoadedVector,
  bias: LoadedVector | null,
  cache: LoadedStates,
  layer: number,
  segments: readonly StateSegment[],
  { taps, gated, silu, columns: { groups, parts } }: Required<Omit<ConvolutionSpec, 'bias' | 'first'>>,
): Recorded {
  const { parts: channels, slots } = cache.spec;
  const tokens = x.rows;
  return {
    rows: tokens,
    columns: channels,
    inputs: [x],
    emit(program) {
      const longest = Math.max(...segments.map((segment) => segment.tokens));
      const window = program.allocate((taps - 1 + longest) * longestShare(channels, program.store.threads));
      const out = program.allocate(tokens * channels);
      program.emit('convolution', {
        x: program.addressOf(x),
        columns: x.columns,
        channels,
        taps,
        gated,
        weight: weight.address,
        bias: bias?.address ?? 0,
        silu,
        states: cache.address + cache.stride * slots * layer,
        stateStride: cache.stride,
        window,
        out,
        groups,
        parts,
        segments: segments.map(({ tokens: own, from, to }) => ({ tokens: own, from: from + 1, to })),
      });
      program.free(window);
      let first = 0;
      const ofGroups = parts.map(({ width: size }) => {
        const shared = { first, count: groups, size };
        first += groups * size;
        return shared;
      });
      const whole = [{ first: 0, count: channels, size: 1 }];
      program.gatherLater(out, splitsGroups(groups, program.store.threads) ? ofGroups : whole);
      return out;
    },
  };
}
