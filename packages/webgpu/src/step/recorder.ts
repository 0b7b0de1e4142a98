// One step of a backend: records operations as nodes, which reads run. Reads that are asked for in the same turn
// of the event loop share one submission.
import type { RawStep } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { Shader } from '../wgsl/shader.js';
import type { Executor, ReadRange } from './execute.js';
import type { GpuTypes, Kind, OperationOf } from './graph.js';
import { GraphNode } from './graph.js';
import { effectOf } from './kinds.js';
import type { LoweringContext } from './lower.js';
import { lower } from './lower.js';

export interface StepContext {
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
  readonly node: GraphNode;
  readonly resolve: (bytes: ArrayBuffer) => void;
  readonly reject: (reason: unknown) => void;
}

/** The status word. */
const statusBytes = 4;

export class Recorder implements RawStep<GpuTypes> {
  readonly #context: StepContext;
  readonly #nodes: GraphNode[] = [];
  #reads: PendingRead[] = [];
  #running: Promise<void> = Promise.resolve();
  /** Operations that can fail have run and the status has not been read since. */
  #unchecked = false;

  constructor(context: StepContext) {
    this.#context = context;
  }

  record<Each extends Kind>(operation: OperationOf<Each>, rows: number, columns: number): GraphNode {
    const node: GraphNode = new GraphNode<Each>(operation, rows, columns);
    this.#nodes.push(node);
    return node;
  }

  read(node: GraphNode): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      this.#reads.push({ node, resolve, reject });
      if (this.#reads.length > 1) return;
      queueMicrotask(() => {
        this.#running = this.#running.then(() => this.#runReads());
      });
    });
  }

  async finish(): Promise<void> {
    const left = this.#nodes.filter((node) => effectOf(node) !== 'none' && !node.executed);
    if (left.length > 0 || this.#unchecked) await this.#run([], left);
  }

  /** The shaders that what was recorded needs; nothing runs. */
  shaders(): Shader[] {
    const results = this.#nodes.filter((node) => node.consumers.length === 0);
    const program = lower(this.#nodes, new Set(results), this.#context.lowering);
    return program.commands.map(({ kernel }) => kernel.shader);
  }

  close(): void {
    for (const { result } of this.#nodes) {
      if (result === null || result.buffer === null) continue;
      this.#context.give(result.buffer);
      result.buffer = null;
    }
  }

  async #runReads(): Promise<void> {
    const reads = this.#reads.splice(0);
    try {
      await this.#run(reads, []);
    } catch (error) {
      for (const { reject } of reads) reject(error);
    }
  }

  async #run(reads: readonly PendingRead[], others: readonly GraphNode[]): Promise<void> {
    this.#context.check();
    const targets = new Set([...reads.map(({ node }) => node), ...others]);
    const program = lower(this.#nodes, targets, this.#context.lowering);
    const canFail = this.#nodes.some((node) => node.executed && effectOf(node) === 'status');
    this.#unchecked = canFail;
    const ranges: ReadRange[] = reads.map(({ node }) => ({
      source: node.result ?? this.#context.lowering.empty,
      bytes: node.bytes,
    }));
    if (canFail) ranges.push({ source: this.#context.lowering.status, bytes: statusBytes });
    const results = await this.#context.executor.run(program, ranges);
    this.#context.check();
    this.#unchecked = false;
    if (canFail) this.#checkStatus(results[reads.length]);
    reads.forEach(({ resolve }, index) => {
      resolve(results[index] ?? new ArrayBuffer(0));
    });
  }

  #checkStatus(bytes: ArrayBuffer | undefined): void {
    if (bytes === undefined || new Uint32Array(bytes)[0] === 0) return;
    this.#context.resetStatus();
    throw new MoeqError({
      code: 'notFinite',
      operation: 'route',
      subject: 'router logits',
      expected: 'finite numbers',
      found: 'NaN or infinity',
    });
  }
}
