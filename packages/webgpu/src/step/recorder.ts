// One step of a backend: keeps the nodes that operations.ts records, and turns reads into runs. Reads that are asked for
// in the same turn of the event loop share one submission.
import type { Activations, RoutingHandle, Step } from '@moeq/kernels';
import { Handles } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { Objects } from '../objects.js';
import type { Shader } from '../wgsl/shader.js';
import type { Executor, ReadRange } from './execute.js';
import type { Operation, OperationOf } from './graph.js';
import { isKind, Node } from './graph.js';
import type { LoweringContext } from './lower.js';
import { lower } from './lower.js';
import type { Recording } from './operations.js';
import { stepOperations } from './operations.js';

export interface StepContext {
  readonly objects: Objects;
  readonly executor: Executor;
  readonly lowering: LoweringContext;
  /** Buffers of results that outlive a program go back here when the step ends. */
  readonly give: (buffer: GPUBuffer) => void;
  /** Throws what has gone wrong on the device since. */
  readonly check: () => void;
  /** After a failed step: sets the status word to 0. */
  readonly resetStatus: () => void;
}

interface PendingRead {
  readonly node: Node;
  readonly resolve: (bytes: ArrayBuffer) => void;
  readonly reject: (reason: unknown) => void;
}

/** The status word. */
const statusBytes = 4;

export class Recorder {
  readonly #context: StepContext;
  readonly #nodes: Node[] = [];
  readonly #step: Step;
  readonly #live = new Handles<Activations, Node>('activations');
  readonly #routings = new Handles<RoutingHandle, Node<OperationOf<'route'>>>('routing');
  #reads: PendingRead[] = [];
  #running: Promise<void> = Promise.resolve();
  #scheduled = false;
  #open = true;
  /** Routers ran whose logits have not been found finite yet. */
  #unchecked = false;

  constructor(context: StepContext) {
    this.#context = context;
    const recording: Recording = {
      live: this.#live,
      routings: this.#routings,
      record: (...parameters) => this.#record(...parameters),
      activations: (...parameters) => this.#activations(...parameters),
      read: (node) => this.#read(node),
    };
    this.#step = stepOperations(recording, context.objects);
  }

  /** Runs what is left: writes to caches, and checks of routers. The step is over. */
  async finish(): Promise<void> {
    await this.#running;
    const left = this.#nodes.filter((node) => isKind(node, 'attention') && !node.executed);
    const routes = this.#nodes.filter((node) => isKind(node, 'route') && !node.executed);
    if (left.length > 0 || routes.length > 0 || this.#unchecked) await this.#run([], [...left, ...routes]);
  }

  /** The shaders that what was recorded needs; nothing runs. */
  shaders(): Shader[] {
    const results = this.#nodes.filter((node) => node.consumers.length === 0);
    const program = lower(this.#nodes, new Set(results), this.#context.lowering);
    return program.commands.map(({ kernel }) => kernel.shader);
  }

  /** Ends the step in any case: handles die, buffers go back. */
  close(): void {
    this.#open = false;
    this.#live.clear();
    this.#routings.clear();
    for (const { slot } of this.#nodes) {
      if (slot === null || slot.buffer === null) continue;
      this.#context.give(slot.buffer);
      slot.buffer = null;
    }
    for (const { reject } of this.#reads.splice(0)) reject(endedStep());
  }

  #record<Op extends Operation>(operation: Op, rows: number, columns: number): Node<Op> {
    if (!this.#open) throw endedStep();
    const node = new Node(operation, rows, columns);
    this.#nodes.push(node);
    return node;
  }

  #activations(operation: Operation, rows: number, columns: number): Activations {
    return this.#live.add({ rows, columns }, this.#record(operation, rows, columns));
  }

  #read(node: Node): Promise<ArrayBuffer> {
    if (!this.#open) throw endedStep();
    return new Promise((resolve, reject) => {
      this.#reads.push({ node, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.#running = this.#running.then(() => this.#runReads());
      });
    });
  }

  async #runReads(): Promise<void> {
    const reads = this.#reads.splice(0);
    if (reads.length === 0) return;
    try {
      await this.#run(reads, []);
    } catch (error) {
      for (const { reject } of reads) reject(error);
    }
  }

  async #run(reads: readonly PendingRead[], others: readonly Node[]): Promise<void> {
    this.#context.check();
    const targets = new Set([...reads.map(({ node }) => node), ...others]);
    const program = lower(this.#nodes, targets, this.#context.lowering);
    const routed = this.#nodes.some((node) => isKind(node, 'route') && node.executed);
    this.#unchecked = routed;
    const ranges: ReadRange[] = reads.map(({ node }) => ({
      source: node.slot ?? this.#context.lowering.empty,
      bytes: node.bytes,
    }));
    if (routed) ranges.push({ source: this.#context.lowering.status, bytes: statusBytes });
    const results = await this.#context.executor.run(program, ranges);
    this.#context.check();
    this.#unchecked = false;
    if (routed) this.#checkStatus(results[reads.length]);
    reads.forEach(({ resolve }, index) => {
      resolve(results[index] ?? new ArrayBuffer(0));
    });
  }

  #checkStatus(bytes: ArrayBuffer | undefined): void {
    if (bytes === undefined || new Uint32Array(bytes)[0] === 0) return;
    this.#context.resetStatus();
    throw new MoeqError({
      operation: 'route',
      subject: 'router logits',
      expected: 'finite numbers',
      found: 'NaN or infinity',
    });
  }

  /** What the body of the step works with. */
  get step(): Step {
    return this.#step;
  }
}

function endedStep(): MoeqError {
  return new MoeqError({
    operation: 'run an operation',
    subject: 'step',
    expected: 'a running step',
    found: 'one that has ended',
  });
}
