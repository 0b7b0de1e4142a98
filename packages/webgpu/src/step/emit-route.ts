// The choice of experts as a dispatch: with the router's multiply in it where one workgroup can do both, else from logits.
import type { WeightGroup } from '../weights/group.js';
import { routeKernel, routeName } from '../wgsl/route.js';
import { vectorLanes } from '../wgsl/vector.js';
import type { Emitter } from './dispatch-matrix.js';
import type { GraphNode } from './graph.js';
import { isKind } from './graph.js';
import type { Results } from './results.js';

/**
 * @param absorbed nodes that have no dispatch of their own; the router may be one
 * @param status the buffer that says whether all router logits were finite
 */
export function emitRoute(
  { program, kernels, empty }: Emitter,
  node: GraphNode<'route'>,
  results: Results,
  absorbed: ReadonlySet<GraphNode>,
  status: GPUBuffer,
): void {
  const { x, spec, bias, scales } = node.operation;
  const uniforms = {
    routingWeights: node.rows * spec.expertsPerToken,
    normalizeEpsilon: spec.normalizeEpsilon ?? 0,
    scalingFactor: spec.scalingFactor ?? 1,
  };
  const factors = scales === null ? [] : [scales.buffer];
  const outputs = [bias?.buffer ?? empty, ...factors, results.make(node), status];
  const [hasBias, hasScales] = [bias !== null, scales !== null];
  if (!isKind(x, 'linear') || !absorbed.has(x)) {
    const kernel = kernels.get(`route ${routeName(spec, hasBias, hasScales)}`, () =>
      routeKernel(spec, hasBias, hasScales),
    );
    program.dispatch(kernel, uniforms, [results.of(x), ...outputs], [node.rows, 1]);
    return;
  }
  const [group] = x.operation.weight.groups as readonly [WeightGroup];
  const { x: input, norm } = results.input(x.operation.x);
  const kernel = kernels.router({ kind: group.kind, spec, hasBias, hasScales, normed: norm !== null });
  const lanes = vectorLanes(group.kind.fast ? group.uniforms.chunks : group.uniforms.columns);
  program.dispatch(
    kernel,
    { ...group.uniforms, ...uniforms, lanes, tokens: node.rows, epsilon: norm?.epsilon ?? 0 },
    [group.buffer, group.buffer, input, ...(norm === null ? [] : [norm.weight.buffer]), ...outputs],
    [node.rows, 1],
    group.matrices,
  );
}
