// The gated delta rule as one dispatch: a workgroup for each head of each segment.
import type { StateSegment } from '@moeq/kernels';
import { deltaRuleKernel, deltaRuleName } from '../wgsl/delta-rule.js';
import type { Emitter } from './dispatch-matrix.js';
import type { GraphNode } from './graph.js';
import type { Results } from './results.js';

export function emitDeltaRule(
  { program, kernels }: Emitter,
  node: GraphNode<'deltaRule'>,
  results: Results,
): void {
  const { x, beta, decay, gate, weights, cache, layer, segments, spec } = node.operation;
  const { heads, keyHeads, epsilon, places } = spec;
  const kernel = kernels.get(deltaRuleName(spec), () => deltaRuleKernel(spec));
  const table = program.tables.addOnce(segments, 'heads', () => segmentTable(segments));
  const uniforms = {
    heads,
    keyHeads,
    segments: table,
    betaColumns: beta.columns,
    betaAt: places.beta.at,
    betaStride: places.beta.stride,
    decayColumns: decay.columns,
    decayAt: places.decay.at,
    decayStride: places.decay.stride,
    gateColumns: gate.columns,
    gateAt: places.gate.at,
    gateStride: places.gate.stride,
    epsilon,
  };
  const inputs = [x, beta, decay, gate].map((input) => results.of(input));
  const states = cache.layers[layer] as GPUBuffer;
  const operands = [...inputs, weights.buffer, states, 'tables', results.make(node)] as const;
  program.dispatch(kernel, uniforms, operands, [heads, segments.length]);
}

/** Of every segment: its first row, its tokens, the slots of the states before and after. */
function segmentTable(segments: readonly StateSegment[]): Uint32Array {
  let first = 0;
  const words = segments.flatMap(({ tokens, from, to }) => {
    const row = first;
    first += tokens;
    return [row, tokens, from, to];
  });
  return Uint32Array.from(words);
}
