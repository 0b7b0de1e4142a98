// Routed experts and MLPs as dispatches: gate, up and activation, then down with the weighted sum. From a few tokens on the
// assignments of routed experts are grouped by expert first, by a plan that is made once for each routing.
//
// Shapes: T tokens, D hidden, F intermediate, E experts, A experts per token, S = T * A assignments.
import { activationName } from '@moeq/kernels';
import type { StoredWeight } from '../weights/store.js';
import { combineExpertsKernel } from '../wgsl/combine-experts.js';
import { planKernel, planTiles } from '../wgsl/plan.js';
import { activateKernel } from '../wgsl/rows.js';
import type { Emitter, NormInput, RoutingInput } from './dispatch-matrix.js';
import { plainEpilogue, residualOperands } from './dispatch-matrix.js';
import { elementGrid } from './emit-rows.js';
import type { GraphNode } from './graph.js';
import type { ExpertRows } from './multiply.js';
import { downTiles, gateUp, mostVectorRows, multiply, sumOfExperts } from './multiply.js';
import type { Operand } from './program.js';
import { Transient } from './program.js';
import type { Results } from './results.js';

/** Assignments by expert, as tiles. */
interface Plan {
  readonly result: Transient;
  readonly tiles: number;
}

export class ExpertEmitter {
  readonly #emitter: Emitter;
  readonly #results: Results;
  /** By routing. */
  readonly #plans = new Map<GraphNode, Plan>();

  constructor(emitter: Emitter, results: Results) {
    this.#emitter = emitter;
    this.#results = results;
  }

  experts(node: GraphNode<'experts'>): void {
    const { x, routing, weights } = node.operation;
    const { program, kernels, empty } = this.#emitter;
    const expertsPerToken = routing.columns / 2;
    const assignments = node.rows * expertsPerToken;
    const route: RoutingInput = {
      result: this.#results.of(routing),
      routingWeights: assignments,
      expertsPerToken,
    };
    const plan = node.rows > mostVectorRows ? this.#plan(routing, assignments, weights.experts) : null;
    const rows: ExpertRows = { ...this.#results.input(x), tokens: node.rows, routing: route, plan };
    const h = this.#gateUp(node, rows, assignments);
    const { out, residuals } = this.#results.output(node);
    const epilogue = { ...plainEpilogue, residuals };
    const common = { h, outColumns: node.columns, tokens: node.rows };
    const combine = (y: Operand, perToken: number): void =>
      program.dispatch(
        kernels.get('combine', combineExpertsKernel),
        {
          columns: node.columns,
          expertsPerToken: perToken,
          routingWeights: assignments,
          residuals: residuals.length,
          scale1: residuals[0]?.scale ?? 1,
          scale2: residuals[1]?.scale ?? 1,
        },
        [y, route.result, out, ...residualOperands(epilogue, empty)],
        elementGrid(node.columns, node.rows),
      );
    if (plan === null) {
      const begin = (): void => combine(empty, 0);
      sumOfExperts(this.#emitter, weights.down, { ...common, out, routing: route, epilogue, begin });
      return;
    }
    const y = new Transient('expert outputs', 4 * assignments * node.columns);
    downTiles(this.#emitter, weights.down, { ...common, out: y, plan });
    combine(y, expertsPerToken);
  }

  mlp(node: GraphNode<'mlp'>): void {
    const { x, weights, gate } = node.operation;
    const input = this.#results.input(x);
    const tokens = node.rows;
    const gates = gate === null ? null : this.#outputGate(gate, input, tokens);
    const h = this.#gateUp(node, { ...input, tokens, routing: null, plan: null }, tokens);
    const { out, residuals } = this.#results.output(node);
    const epilogue = { bias: null, gate: gates, residuals };
    const outColumns = node.columns;
    multiply(this.#emitter, weights.down, { x: h, norm: null, out, outColumns, tokens, epilogue });
  }

  #plan(routing: GraphNode, assignments: number, experts: number): Plan {
    const known = this.#plans.get(routing);
    if (known !== undefined) return known;
    const { program, kernels } = this.#emitter;
    const tiles = planTiles(assignments, experts);
    const plan = { result: new Transient('plan', 4 * (4 * tiles + assignments)), tiles };
    const kernel = kernels.get(`plan of ${experts}`, () => planKernel(experts));
    program.dispatch(kernel, { assignments, tiles }, [this.#results.of(routing), plan.result], [1, 1]);
    this.#plans.set(routing, plan);
    return plan;
  }

  /** h [assignments, F] */
  #gateUp(node: GraphNode<'experts' | 'mlp'>, rows: ExpertRows, assignments: number): Transient {
    const { weights, activation } = node.operation;
    const { intermediate } = weights;
    const { program, kernels } = this.#emitter;
    const h = new Transient('gated', 4 * assignments * intermediate);
    const apart =
      activation.gated && weights.gateUp.some(({ up }) => up === null)
        ? new Transient('gate and up', 8 * assignments * intermediate)
        : null;
    const kernel = kernels.get(`activate ${activationName(activation)}`, () => activateKernel(activation));
    const activate = (result: Transient): void =>
      program.dispatch(
        kernel,
        {
          ...{ columns: intermediate, gateStride: 2 * intermediate },
          ...{ upStride: 2 * intermediate, upFirst: intermediate },
        },
        [result, result, h],
        elementGrid(intermediate, assignments),
      );
    gateUp(
      this.#emitter,
      weights.gateUp,
      rows,
      activation,
      intermediate,
      h,
      apart && { result: apart, activate: () => activate(apart) },
    );
    return h;
  }

  #outputGate(
    gate: StoredWeight,
    input: { x: Transient; norm: NormInput | null },
    tokens: number,
  ): Transient {
    const out = new Transient('output gates', 4 * tokens);
    multiply(this.#emitter, gate.groups, { ...input, out, outColumns: 1, tokens, epilogue: plainEpilogue });
    return out;
  }
}
