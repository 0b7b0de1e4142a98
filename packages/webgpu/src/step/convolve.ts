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
  const { x, weight, bias, cache, layer, segments, spec } = node.operation;
  const { columns, rows } = node;
  const { taps, gated, silu } = spec;
  const { groups, parts } = spec.columns;
  const first = parts[0]?.at ?? 0;
  const form = { gated, biased: bias !== null, silu, parts: isRun(spec.columns) ? 0 : parts.length };
  const kernel = kernels.get(`convolve ${JSON.stringify(form)}`, () => convolveKernel(form));
  const tokens = program.tables.addOnce(segments, 'states', () => tokenTable(segments));
  const states = cache.layers[layer] as GPUBuffer;
  const vectors = bias === null ? [weight.buffer] : [weight.buffer, bias.buffer];
  const operands = [results.of(x), ...vectors, states, 'tables', results.make(node)] as const;
  const places = parts.slice(0, form.parts).flatMap(({ at, stride, width }, part) => [
    [`at${part}`, at],
    [`stride${part}`, stride],
    [`width${part}`, width],
  ]);
  const values = { columns, taps, tokens, stride: x.columns, first, groups, ...Object.fromEntries(places) };
  program.dispatch(kernel, values, operands, elementGrid(columns, rows));
}

/** Whether the channels are one run of columns. */
function isRun({ groups, parts }: GraphNode<'convolution'>['operation']['spec']['columns']): boolean {
  let next = parts[0]?.at;
  return parts.every(({ at, stride, width }) => {
    const follows = at === next && (groups === 1 || stride === width);
    next = at + groups * width;
    return follows;
  });
}

/** Of every token: its place in the segment, the segment's tokens, the slots of the states before and after. */
function tokenTable(segments: readonly StateSegment[]): Uint32Array {
  const words = segments.flatMap(({ tokens, from, to }) =>
    Array.from({ length: tokens }, (_, token) => [token, tokens, from, to]).flat(),
  );
  return Uint32Array.from(words);
}
