// From recorded operations to dispatches, in the order that fuse.ts gives, with what it joins.
import { emitAttention } from './attend.js';
import type { BesideLimits } from './beside.js';
import { mergeCommands } from './beside.js';
import type { Emitter } from './dispatch-matrix.js';
import { ExpertEmitter } from './emit-experts.js';
import { emitRoute } from './emit-route.js';
import { emitAdd, emitEmbed, emitNorm, emitSelect } from './emit-rows.js';
import type { Fusion } from './fuse.js';
import { fuse } from './fuse.js';
import type { Node, OperationOf } from './graph.js';
import { isKind } from './graph.js';
import type { Kernels } from './kernels.js';
import { multiply } from './multiply.js';
import { Program } from './program.js';
import { Results } from './results.js';

export interface LoweringContext {
  readonly kernels: Kernels;
  readonly empty: GPUBuffer;
  readonly status: GPUBuffer;
  readonly beside: BesideLimits;
  /** Bytes of workgroup memory that the device has. */
  readonly workgroupMemory: number;
}

/**
 * A program that computes `targets`.
 * @param order all nodes of the step, as recorded
 */
export function lower(order: readonly Node[], targets: ReadonlySet<Node>, context: LoweringContext): Program {
  return new Lowering(fuse(order, targets), context).run();
}

class Lowering {
  readonly #context: LoweringContext;
  readonly #fusion: Fusion;
  readonly #program = new Program();
  readonly #emitter: Emitter;
  readonly #results: Results;
  readonly #experts: ExpertEmitter;

  constructor(fusion: Fusion, context: LoweringContext) {
    this.#fusion = fusion;
    this.#context = context;
    this.#emitter = { program: this.#program, kernels: context.kernels, empty: context.empty };
    this.#results = new Results(fusion);
    this.#experts = new ExpertEmitter(this.#emitter, this.#results);
  }

  run(): Program {
    for (const node of this.#fusion.order) this.#emit(node);
    for (const node of this.#fusion.needed) {
      node.executed = true;
      if (node.slot !== null) node.slot.held = this.#fusion.isHeld(node);
    }
    const { kernels, beside } = this.#context;
    this.#program.commands = mergeCommands(this.#program.commands, kernels, beside);
    return this.#program;
  }

  #emit(node: Node): void {
    if (isKind(node, 'input')) this.#input(node);
    else if (isKind(node, 'embed')) emitEmbed(this.#emitter, node, this.#results);
    else if (isKind(node, 'norm')) emitNorm(this.#emitter, node, this.#results);
    else if (isKind(node, 'linear')) this.#linear(node);
    else if (isKind(node, 'add')) emitAdd(this.#emitter, node, this.#results);
    else if (isKind(node, 'attention')) this.#attention(node);
    else if (isKind(node, 'route')) this.#route(node);
    else if (isKind(node, 'experts')) this.#experts.experts(node);
    else if (isKind(node, 'mlp')) this.#experts.mlp(node);
    else if (isKind(node, 'select')) emitSelect(this.#emitter, node, this.#results);
  }

  #input(node: Node<OperationOf<'input'>>): void {
    this.#program.inputs.push({ slot: this.#results.make(node), values: node.operation.values });
  }

  #linear(node: Node<OperationOf<'linear'>>): void {
    const { x, weight, bias } = node.operation;
    const input = this.#results.input(x);
    const { out, residuals } = this.#results.output(node);
    const epilogue = { bias, gate: null, residuals };
    const shape = { outColumns: node.columns, tokens: node.rows };
    multiply(this.#emitter, weight.groups, { ...input, ...shape, out, epilogue });
  }

  #attention(node: Node<OperationOf<'attention'>>): void {
    const qkv = this.#results.of(node.operation.x);
    emitAttention(this.#emitter, node, qkv, this.#results.make(node), this.#context.workgroupMemory);
  }

  #route(node: Node<OperationOf<'route'>>): void {
    emitRoute(this.#emitter, node, this.#results, this.#fusion.absorbed, this.#context.status);
  }
}
