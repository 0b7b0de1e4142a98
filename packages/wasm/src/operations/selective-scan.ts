// A selective scan in a program.
//
// Shapes: T tokens, H heads, P numbers of a head, N numbers of a state.
import type { ScanColumns, ScanSpec, StateSegment } from '@moeq/kernels';
import type { Recorded } from '../graph.js';
import type { LoadedStates, LoadedVector } from '../loaded.js';
import { longestShare } from '../share.js';
import type { Value } from '../value.js';

export function selectiveScan(
  { x, bc, timeStep, gate }: ScanColumns<Value>,
  parameters: LoadedVector,
  cache: LoadedStates,
  layer: number,
  segments: readonly StateSegment[],
  { decays, ...spec }: ScanSpec,
  tokens: number,
): Recorded {
  const columns = spec.heads * spec.headDim;
  return {
    rows: tokens,
    columns,
    inputs: [...new Set([x.node, bc.node, timeStep.node, gate.node])],
    emit(program) {
      const part = ({ node, first }: ScanColumns<Value>[keyof ScanColumns<Value>]) => ({
        address: program.addressOf(node) + 4 * first,
        columns: node.columns,
      });
      const longest = Math.max(...segments.map((segment) => segment.tokens));
      const inputs = { x: part(x), bc: part(bc), timeStep: part(timeStep), gate: part(gate) };
      const steps = program.allocate(longest * longestShare(spec.heads, program.store.threads));
      const room = program.allocate(2 * spec.stateDim);
      const out = program.allocate(tokens * columns);
      program.emit('selectiveScan', {
        ...inputs,
        ...spec,
        parameters: parameters.address,
        perState: decays === 'state',
        states: cache.address + cache.stride * cache.spec.slots * layer,
        stateStride: cache.stride,
        steps,
        room,
        out,
        segments: segments.map(({ tokens: own, from, to }) => ({ tokens: own, from: from + 1, to })),
      });
      program.free(steps);
      program.free(room);
      program.gather(out, tokens, columns, [{ first: 0, count: spec.heads, size: spec.headDim }]);
      return out;
    },
  };
}
