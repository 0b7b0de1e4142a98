// From recorded operations to dispatches. Operations that the next one alone uses are joined to it:
//   a norm                     into the multiplies that read it (few tokens)
//   an addition of a residual  into the multiply, experts or MLP that makes the other side
//   a selection of all rows    into nothing
// Everything else is one operation after the other, in the order of recording.
//
// Shapes: T tokens, D hidden, F intermediate, E experts, A experts per token, S = T * A slots.
import { MoeqError } from '@moeq/tensors';
import type { StoredWeight, WeightGroup } from '../weights/store.js';
import { combineExpertsKernel } from '../wgsl/combine-experts.js';
import { planKernel, planTiles } from '../wgsl/plan.js';
import { routeKernel, routeName } from '../wgsl/route.js';
import { mostRouterBytes } from '../wgsl/router.js';
import {
  activateKernel,
  addKernel,
  elementsPerWorkgroup,
  embedKernel,
  normKernel,
  selectKernel,
} from '../wgsl/rows.js';
import { vectorLanes } from '../wgsl/vector.js';
import { emitAttention } from './attend.js';
import type { BesideLimits } from './beside.js';
import { mergeCommands } from './beside.js';
import type { Node, OperationOf } from './graph.js';
import { inputsOf, isKind } from './graph.js';
import type { Kernels } from './kernels.js';
import type { Emitter, Epilogue, ExpertRows, NormInput, RoutingInput } from './multiply.js';
import {
  downTiles,
  gateUp,
  mostVectorRows,
  multiply,
  plainEpilogue,
  residualOperands,
  sumOfExperts,
} from './multiply.js';
import type { Operand } from './program.js';
import { Program, Slot } from './program.js';

export interface LoweringContext {
  readonly kernels: Kernels;
  readonly empty: GPUBuffer;
  readonly status: GPUBuffer;
  readonly beside: BesideLimits;
  /** Bytes of workgroup memory that the device has. */
  readonly workgroupMemory: number;
}

/** An add that was joined to what makes its right side. */
interface Joined {
  /** The last of the additions: it names the result. */
  readonly root: Node;
  readonly adds: readonly Node<OperationOf<'add'>>[];
}

const elementGrid = (columns: number, rows: number): [number, number] => [
  Math.ceil(columns / elementsPerWorkgroup),
  rows,
];

/**
 * A program that computes `targets`.
 * @param order all nodes of the step, as recorded
 */
export function lower(order: readonly Node[], targets: ReadonlySet<Node>, context: LoweringContext): Program {
  return new Lowering(order, targets, context).run();
}

class Lowering {
  readonly #context: LoweringContext;
  readonly #order: readonly Node[];
  readonly #targets: ReadonlySet<Node>;
  readonly #needed = new Set<Node>();
  readonly #program = new Program();
  readonly #emitter: Emitter;
  /** Additions by the node that they were joined to. */
  readonly #joined = new Map<Node, Joined>();
  /** Additions and norms that have no dispatch of their own. */
  readonly #absorbed = new Set<Node>();
  readonly #plans = new Map<Node, { slot: Slot; tiles: number }>();

  constructor(order: readonly Node[], targets: ReadonlySet<Node>, context: LoweringContext) {
    this.#order = order;
    this.#targets = targets;
    this.#context = context;
    this.#emitter = { program: this.#program, kernels: context.kernels, empty: context.empty };
  }

  run(): Program {
    for (const target of this.#targets) this.#need(target);
    const needed = this.#order.filter((node) => this.#needed.has(node));
    for (const node of needed) this.#join(node);
    for (const node of needed) {
      if (isKind(node, 'norm') && this.#canAbsorb(node)) this.#absorbed.add(node);
      if (isKind(node, 'route') && this.#canRoute(node.operation.x, node))
        this.#absorbed.add(node.operation.x);
    }
    // a multiply runs where the last addition that was joined to it stands, when all residuals are there
    const makerOf = new Map(Array.from(this.#joined, ([maker, { root }]) => [root, maker]));
    for (const node of needed) {
      const maker = makerOf.get(node);
      if (maker !== undefined) this.#emit(maker);
      else if (!this.#absorbed.has(node) && !this.#joined.has(node)) this.#emit(node);
    }
    for (const node of needed) {
      node.executed = true;
      if (node.slot !== null) node.slot.held = this.#isHeld(node);
    }
    const { kernels, beside } = this.#context;
    this.#program.commands = mergeCommands(this.#program.commands, kernels, beside);
    return this.#program;
  }

  #need(node: Node): void {
    if (this.#needed.has(node) || node.ready) return;
    this.#needed.add(node);
    node.slot = null;
    for (const input of inputsOf(node.operation)) this.#need(input);
  }

  /** Kept for a later read or operation of this step. */
  #isHeld(node: Node): boolean {
    if (this.#targets.has(node) || isKind(node, 'route')) return true;
    return node.consumers.some((consumer) => !consumer.executed && !this.#needed.has(consumer));
  }

  #consumers(node: Node): Node[] {
    return node.consumers.filter((consumer) => this.#needed.has(consumer));
  }

  /** The one operation that uses the node, if nobody reads it otherwise. */
  #onlyConsumer(node: Node): Node | null {
    if (this.#targets.has(node)) return null;
    const [first, ...others] = this.#consumers(node);
    return others.length === 0 ? (first ?? null) : null;
  }

  #join(node: Node): void {
    if (!isKind(node, 'linear') && !isKind(node, 'experts') && !isKind(node, 'mlp')) return;
    const adds: Node<OperationOf<'add'>>[] = [];
    let last: Node = node;
    while (adds.length < 2) {
      const next = this.#onlyConsumer(last);
      if (next === null || !isKind(next, 'add') || next.operation.b !== last || next.operation.a === last)
        break;
      if (this.#absorbed.has(next)) break;
      adds.push(next);
      last = next;
    }
    if (adds.length === 0) return;
    for (const add of adds) this.#absorbed.add(add);
    this.#joined.set(node, { root: last, adds });
  }

  #canAbsorb(node: Node<OperationOf<'norm'>>): boolean {
    if (node.rows > mostVectorRows || this.#targets.has(node)) return false;
    return this.#consumers(node).every(({ operation }) => {
      if (operation.kind === 'linear') return operation.weight.groups.length > 0;
      return (operation.kind === 'experts' || operation.kind === 'mlp') && operation.x === node;
    });
  }

  /** Router logits that only `route` wants and that one workgroup can compute. */
  #canRoute(logits: Node, route: Node): logits is Node<OperationOf<'linear'>> {
    if (!isKind(logits, 'linear') || logits.rows > mostVectorRows || this.#onlyConsumer(logits) !== route)
      return false;
    const { weight, bias } = logits.operation;
    const [group, ...others] = weight.groups;
    return bias === null && others.length === 0 && group?.parts === 1 && weight.bytes <= mostRouterBytes;
  }

  /** A node's result, and the norm that its reader has to take along. */
  #input(node: Node): { x: Slot; norm: NormInput | null } {
    if (isKind(node, 'norm') && this.#absorbed.has(node)) {
      const { x, weight, epsilon } = node.operation;
      return { x: this.#value(x), norm: { weight, epsilon } };
    }
    return { x: this.#value(node), norm: null };
  }

  #value(node: Node): Slot {
    if (node.slot === null) {
      throw new MoeqError({
        operation: 'run',
        subject: node.operation.kind,
        expected: 'its inputs first',
        found: 'none',
      });
    }
    return node.slot;
  }

  #emit(node: Node): void {
    if (isKind(node, 'input')) this.#input0(node);
    else if (isKind(node, 'embed')) this.#embed(node);
    else if (isKind(node, 'norm')) this.#norm(node);
    else if (isKind(node, 'linear')) this.#linear(node);
    else if (isKind(node, 'add')) this.#add(node);
    else if (isKind(node, 'attention')) this.#attention(node);
    else if (isKind(node, 'route')) this.#route(node);
    else if (isKind(node, 'experts')) this.#experts(node);
    else if (isKind(node, 'mlp')) this.#mlp(node);
    else if (isKind(node, 'select')) this.#select(node);
  }

  #result(node: Node): Slot {
    node.slot = new Slot(node.operation.kind, node.bytes);
    return node.slot;
  }

  #input0(node: Node<OperationOf<'input'>>): void {
    this.#program.inputs.push({ slot: this.#result(node), values: node.operation.values });
  }

  #embed(node: Node<OperationOf<'embed'>>): void {
    const { table, ids, scale } = node.operation;
    const out = this.#result(node);
    const at = this.#program.tables.add(Uint32Array.from(ids));
    for (const group of table.groups) {
      const { kind, buffer, uniforms, matrices } = group;
      const kernel = this.#context.kernels.get(`embed ${this.#context.kernels.nameOf(kind)}`, () =>
        embedKernel(kind),
      );
      const grid = elementGrid(node.columns, node.rows);
      this.#program.dispatch(
        kernel,
        { ...uniforms, ids: at, scale },
        [buffer, buffer, 'tables', out],
        grid,
        matrices,
      );
    }
  }

  #norm(node: Node<OperationOf<'norm'>>): void {
    const { x, weight, epsilon } = node.operation;
    const kernel = this.#context.kernels.get('norm', normKernel);
    const operands = [this.#value(x), weight.buffer, this.#result(node)];
    this.#program.dispatch(kernel, { columns: node.columns, epsilon }, operands, [node.rows, 1]);
  }

  #add(node: Node<OperationOf<'add'>>): void {
    const { a, b, scale } = node.operation;
    const kernel = this.#context.kernels.get('add', addKernel);
    const operands = [this.#value(a), this.#value(b), this.#result(node)];
    this.#program.dispatch(
      kernel,
      { columns: node.columns, scale },
      operands,
      elementGrid(node.columns, node.rows),
    );
  }

  #select(node: Node<OperationOf<'select'>>): void {
    const { x, rows } = node.operation;
    const kernel = this.#context.kernels.get('select', selectKernel);
    const at = this.#program.tables.add(Uint32Array.from(rows));
    const operands = [this.#value(x), 'tables', this.#result(node)] as const;
    this.#program.dispatch(
      kernel,
      { columns: node.columns, rows: at },
      operands,
      elementGrid(node.columns, node.rows),
    );
  }

  /** The slot of the result, and the additions that go with it. */
  #outputOf(node: Node): { out: Slot; residuals: Epilogue['residuals'] } {
    const joined = this.#joined.get(node);
    if (joined === undefined) return { out: this.#result(node), residuals: [] };
    const residuals = joined.adds.map(({ operation }) => ({
      slot: this.#value(operation.a),
      scale: operation.scale,
    }));
    return { out: this.#result(joined.root), residuals };
  }

  #linear(node: Node<OperationOf<'linear'>>): void {
    const { x, weight, bias } = node.operation;
    const input = this.#input(x);
    const { out, residuals } = this.#outputOf(node);
    const epilogue = { bias, gate: null, residuals };
    multiply(this.#emitter, weight.groups, {
      ...input,
      out,
      outColumns: node.columns,
      tokens: node.rows,
      epilogue,
    });
  }

  #attention(node: Node<OperationOf<'attention'>>): void {
    const qkv = this.#value(node.operation.x);
    emitAttention(this.#emitter, node, qkv, this.#result(node), this.#context.workgroupMemory);
  }

  #route(node: Node<OperationOf<'route'>>): void {
    const { x, spec, bias } = node.operation;
    const { kernels, empty, status } = this.#context;
    const uniforms = {
      routingWeights: node.rows * spec.expertsPerToken,
      normalizeEpsilon: spec.normalizeEpsilon ?? 0,
      scalingFactor: spec.scalingFactor ?? 1,
    };
    const outputs = [bias?.buffer ?? empty, this.#result(node), status];
    const hasBias = bias !== null;
    if (!isKind(x, 'linear') || !this.#absorbed.has(x)) {
      const kernel = kernels.get(`route ${routeName(spec, hasBias)}`, () => routeKernel(spec, hasBias));
      this.#program.dispatch(kernel, uniforms, [this.#value(x), ...outputs], [node.rows, 1]);
      return;
    }
    const [group] = x.operation.weight.groups as readonly [WeightGroup];
    const input = this.#input(x.operation.x);
    const kernel = kernels.router({ kind: group.kind, spec, hasBias, normed: input.norm !== null });
    const lanes = vectorLanes(group.kind.fast ? group.uniforms.chunks : group.uniforms.columns);
    this.#program.dispatch(
      kernel,
      { ...group.uniforms, ...uniforms, lanes, tokens: node.rows, epsilon: input.norm?.epsilon ?? 0 },
      [
        group.buffer,
        group.buffer,
        input.x,
        ...(input.norm === null ? [] : [input.norm.weight.buffer]),
        ...outputs,
      ],
      [node.rows, 1],
      group.matrices,
    );
  }

  #experts(node: Node<OperationOf<'experts'>>): void {
    const { x, routing, weights } = node.operation;
    const expertsPerToken = routing.columns / 2;
    const slots = node.rows * expertsPerToken;
    const route: RoutingInput = { slot: this.#value(routing), routingWeights: slots, expertsPerToken };
    const plan = node.rows > mostVectorRows ? this.#plan(routing, slots, weights.experts) : null;
    const rows: ExpertRows = { ...this.#input(x), tokens: node.rows, routing: route, plan };
    const h = this.#gateUp(node, rows, slots);
    const { out, residuals } = this.#outputOf(node);
    const epilogue = { ...plainEpilogue, residuals };
    const common = { h, outColumns: node.columns, tokens: node.rows };
    const combine = (y: Operand, perToken: number): void =>
      this.#program.dispatch(
        this.#context.kernels.get('combine', combineExpertsKernel),
        {
          columns: node.columns,
          expertsPerToken: perToken,
          routingWeights: slots,
          residuals: residuals.length,
          scale1: residuals[0]?.scale ?? 1,
          scale2: residuals[1]?.scale ?? 1,
        },
        [y, route.slot, out, ...residualOperands(epilogue, this.#context.empty)],
        elementGrid(node.columns, node.rows),
      );
    if (plan === null) {
      const begin = (): void => combine(this.#context.empty, 0);
      sumOfExperts(this.#emitter, weights.down, { ...common, out, routing: route, epilogue, begin });
      return;
    }
    const y = new Slot('expert outputs', 4 * slots * node.columns);
    downTiles(this.#emitter, weights.down, { ...common, out: y, plan });
    combine(y, expertsPerToken);
  }

  #plan(routing: Node, slots: number, experts: number): { slot: Slot; tiles: number } {
    const known = this.#plans.get(routing);
    if (known !== undefined) return known;
    const tiles = planTiles(slots, experts);
    const plan = { slot: new Slot('plan', 4 * (4 * tiles + slots)), tiles };
    const kernel = this.#context.kernels.get(`plan of ${experts}`, () => planKernel(experts));
    this.#program.dispatch(kernel, { slots, tiles }, [this.#value(routing), plan.slot], [1, 1]);
    this.#plans.set(routing, plan);
    return plan;
  }

  /** h [slots, F] */
  #gateUp(node: Node<OperationOf<'experts'> | OperationOf<'mlp'>>, rows: ExpertRows, slots: number): Slot {
    const { weights, activation } = node.operation;
    const { intermediate } = weights;
    const h = new Slot('gated', 4 * slots * intermediate);
    const apart = weights.gateUp.some(({ up }) => up === null)
      ? new Slot('gate and up', 8 * slots * intermediate)
      : null;
    const kernel = this.#context.kernels.get(`activate ${activation}`, () => activateKernel(activation));
    const activate = (slot: Slot): void =>
      this.#program.dispatch(kernel, { columns: intermediate }, [slot, h], elementGrid(intermediate, slots));
    gateUp(
      this.#emitter,
      weights.gateUp,
      rows,
      activation,
      intermediate,
      h,
      apart && { slot: apart, activate: () => activate(apart) },
    );
    return h;
  }

  #mlp(node: Node<OperationOf<'mlp'>>): void {
    const { x, weights, gate } = node.operation;
    const input = this.#input(x);
    const tokens = node.rows;
    const gates = gate === null ? null : this.#outputGate(gate, input, tokens);
    const h = this.#gateUp(node, { ...input, tokens, routing: null, plan: null }, tokens);
    const { out, residuals } = this.#outputOf(node);
    const epilogue = { bias: null, gate: gates, residuals };
    multiply(this.#emitter, weights.down, {
      x: h,
      norm: null,
      out,
      outColumns: node.columns,
      tokens,
      epilogue,
    });
  }

  #outputGate(gate: StoredWeight, input: { x: Slot; norm: NormInput | null }, tokens: number): Slot {
    const out = new Slot('output gates', 4 * tokens);
    multiply(this.#emitter, gate.groups, { ...input, out, outColumns: 1, tokens, epilogue: plainEpilogue });
    return out;
  }
}
