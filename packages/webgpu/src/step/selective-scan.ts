// A selective scan as one dispatch.
import type { StateSegment } from '@moeq/kernels';
import { scanWorkgroupSize, selectiveScanKernel } from '../wgsl/selective-scan.js';
import type { Emitter } from './dispatch-matrix.js';
import type { GraphNode } from './graph.js';
import type { Results } from './results.js';

/** The largest float32 there is: shaders may take it for granted that none is infinite. */
const largestFloat = 3.4028234663852886e38;

export function emitSelectiveScan(
  { program, kernels }: Emitter,
  node: GraphNode<'selectiveScan'>,
  results: Results,
): void {
  const { inputs, parameters, cache, layer, segments, spec } = node.operation;
  const { x, bc, timeStep, gate } = inputs;
  const { heads, headDim, stateDim, groups, decays, leastTimeStep, largestTimeStep } = spec;
  const kernel = kernels.get(`selective scan ${decays}`, () => selectiveScanKernel(decays));
  const values = {
    ...{ inner: node.columns, heads, headDim, stateDim, groups },
    ...{ xStride: x.node.columns, xFirst: x.first, bcStride: bc.node.columns, bcFirst: bc.first },
    ...{ stepStride: timeStep.node.columns, stepFirst: timeStep.first },
    ...{ gateStride: gate.node.columns, gateFirst: gate.first },
    segments: program.tables.addOnce(segments, 'segments', () => segmentTable(segments)),
    least: leastTimeStep,
    largest: Math.min(largestTimeStep, largestFloat),
  };
  const states = cache.layers[layer] as GPUBuffer;
  const rows = [x, bc, timeStep, gate].map((part) => results.of(part.node));
  const operands = [...rows, parameters.buffer, states, 'tables', results.make(node)] as const;
  program.dispatch(kernel, values, operands, [Math.ceil(node.columns / scanWorkgroupSize), segments.length]);
}

/** Of every segment: its first row, its tokens, the slots of the states before and after. */
function segmentTable(segments: readonly StateSegment[]): Uint32Array {
  let first = 0;
  const words = segments.flatMap(({ tokens, from, to }) => {
    const start = first;
    first += tokens;
    return [start, tokens, from, to];
  });
  return Uint32Array.from(words);
}
