// A convolution as one dispatch.
import type { StateSegment } from '@moeq/kernels';
import { convolveKernel } from '../wgsl/convolve.js';
import type { Emitter } from './dispatch-matrix.js';
import { elementGrid } from './emit-rows.js';
import type { GraphNode } from './graph.js';
import type { Results } from './results.js';

export function emitConvolution(
  { program, kernels }: Emitter,
  node: GraphNode<'convolution'>,
  results: Results,
): void {
  const { x, weight, cache, layer, segments, spec } = node.operation;
  const { columns, rows } = node;
  const { taps, gated } = spec;
  const kernel = kernels.get(`convolve ${gated}`, () => convolveKernel(gated));
  const tokens = program.tables.addOnce(segments, 'states', () => tokenTable(segments));
  const states = cache.layers[layer] as GPUBuffer;
  const operands = [results.of(x), weight.buffer, states, 'tables', results.make(node)] as const;
  program.dispatch(kernel, { columns, taps, tokens }, operands, elementGrid(columns, rows));
}

/** Of every token: its place in the segment, the segment's tokens, the slots of the states before and after. */
function tokenTable(segments: readonly StateSegment[]): Uint32Array {
  const words = segments.flatMap(({ tokens, from, to }) =>
    Array.from({ length: tokens }, (_, token) => [token, tokens, from, to]).flat(),
  );
  return Uint32Array.from(words);
}
