// The Step that a backend hands out: checks shapes, records nodes, and turns reads into runs. Reads that are asked for in
// the same turn of the event loop share one submission.
import type { Activations, KvCache, RoutingHandle, Step, Vector } from '@moeq/kernels';
import {
  assertIndices,
  assertSegments,
  assertSize,
  attentionWidths,
  Handles,
  inputColumns,
} from '@moeq/kernels';
import { validateRouteSpec } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import type { StoredExperts, StoredWeight } from '../weights/store.js';
import type { Shader } from '../wgsl/shader.js';
import type { Executor, ReadRange } from './execute.js';
import type { Operation, OperationOf, StoredVector } from './graph.js';
import { isKind, Node } from './graph.js';
import type { StoredCache } from './kv-cache.js';
import type { LoweringContext } from './lower.js';
import { lower } from './lower.js';

export interface Objects {
  readonly weights: Handles<object, StoredWeight>;
  readonly experts: Handles<object, StoredExperts>;
  readonly mlps: Handles<object, StoredExperts>;
  readonly vectors: Handles<object, StoredVector>;
  readonly caches: Handles<object, StoredCache>;
}

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

  #vector(operation: string, subject: string, handle: Vector, length: number): StoredVector {
    const vector = this.#context.objects.vectors.get(handle);
    assertSize(operation, subject, length, vector.length);
    return vector;
  }

  #attention(...[qkv, handle, layer, segments, spec]: Parameters<Step['attention']>): Activations {
    const cache = this.#cache(handle);
    const widths = attentionWidths(spec, cache.spec);
    assertSize('attend', 'columns of qkv', widths.queries + widths.keys + widths.values, qkv.columns);
    assertSegments(segments, qkv.rows, cache.spec);
    assertIndices('attend', 'layer', Int32Array.of(layer), cache.spec.layers);
    const { vectors } = this.#context.objects;
    const norms = {
      query: spec.queryNorm === undefined ? null : vectors.get(spec.queryNorm.weight),
      key: spec.keyNorm === undefined ? null : vectors.get(spec.keyNorm.weight),
    };
    const valueDim = cache.spec.valueDim ?? cache.spec.headDim;
    const x = this.#live.get(qkv);
    const operation = { kind: 'attention', x, cache, layer, segments, spec, norms, valueDim } as const;
    return this.#activations(operation, qkv.rows, widths.output);
  }

  #cache(handle: KvCache): StoredCache {
    return this.#context.objects.caches.get(handle);
  }

  /** What the body of the step works with. */
  readonly step: Step = {
    input: (values, rows) => {
      const columns = inputColumns(values.length, rows);
      return this.#activations({ kind: 'input', values: values.slice() }, rows, columns);
    },

    embed: (handle, ids, scale = 1) => {
      const table = this.#context.objects.weights.get(handle);
      assertIndices('embed', 'token ids', ids, table.rows);
      return this.#activations({ kind: 'embed', table, ids: ids.slice(), scale }, ids.length, table.columns);
    },

    rmsNorm: (x, norm) => {
      const weight = this.#vector('norm', 'norm weights', norm.weight, x.columns);
      const operation = { kind: 'norm', x: this.#live.get(x), weight, epsilon: norm.epsilon } as const;
      return this.#activations(operation, x.rows, x.columns);
    },

    linear: (x, handle, added) => {
      const weight = this.#context.objects.weights.get(handle);
      assertSize('multiply', 'columns of the activations', weight.columns, x.columns);
      const bias = added === undefined ? null : this.#vector('multiply', 'bias', added, weight.rows);
      return this.#activations({ kind: 'linear', x: this.#live.get(x), weight, bias }, x.rows, weight.rows);
    },

    add: (a, b, scale = 1) => {
      const [left, right] = [this.#live.get(a), this.#live.get(b)];
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      const sum = this.#activations({ kind: 'add', a: left, b: right, scale }, a.rows, a.columns);
      this.#live.delete(a);
      return sum;
    },

    attention: (...parameters) => this.#attention(...parameters),

    route: (logits, spec, correctionBias) => {
      validateRouteSpec(spec);
      assertSize('route', 'columns of the router logits', spec.experts, logits.columns);
      const x = this.#live.get(logits);
      const bias =
        correctionBias === undefined
          ? null
          : this.#vector('route', 'correction bias', correctionBias, spec.experts);
      const node = this.#record({ kind: 'route', x, spec, bias } as const, x.rows, 2 * spec.expertsPerToken);
      return this.#routings.add({ tokens: x.rows, expertsPerToken: spec.expertsPerToken }, node);
    },

    experts: (x, chosen, handle, activation) => {
      const routing = this.#routings.get(chosen);
      const weights = this.#context.objects.experts.get(handle);
      assertSize('run experts', 'tokens of the routing', x.rows, chosen.tokens);
      assertSize('run experts', 'columns of the activations', weights.hidden, x.columns);
      assertSize('run experts', 'experts of the routing', weights.experts, routing.operation.spec.experts);
      const operation = { kind: 'experts', x: this.#live.get(x), routing, weights, activation } as const;
      return this.#activations(operation, x.rows, x.columns);
    },

    mlp: (x, handle, activation, outputGate) => {
      const weights = this.#context.objects.mlps.get(handle);
      assertSize('run an MLP', 'columns of the activations', weights.hidden, x.columns);
      const gate = outputGate === undefined ? null : this.#context.objects.weights.get(outputGate);
      if (gate !== null) {
        assertSize('run an MLP', 'rows of the output gate', 1, gate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, gate.columns);
      }
      const operation = { kind: 'mlp', x: this.#live.get(x), weights, activation, gate } as const;
      return this.#activations(operation, x.rows, x.columns);
    },

    selectRows: (x, rows) => {
      const node = this.#live.get(x);
      assertIndices('select rows', 'row indices', rows, x.rows);
      if (rows.length === x.rows && rows.every((row, index) => row === index)) {
        return this.#live.add({ rows: x.rows, columns: x.columns }, node);
      }
      return this.#activations({ kind: 'select', x: node, rows: rows.slice() }, rows.length, x.columns);
    },

    read: async (x) => new Float32Array(await this.#read(this.#live.get(x))),

    readRouting: async (routing) => {
      const node = this.#routings.get(routing);
      const bytes = await this.#read(node);
      const { tokens, expertsPerToken } = routing;
      const slots = tokens * expertsPerToken;
      return {
        tokens,
        expertsPerToken,
        expertIndices: new Int32Array(bytes, 0, slots).slice(),
        expertWeights: new Float32Array(bytes, 4 * slots, slots).slice(),
      };
    },
  };
}

function endedStep(): MoeqError {
  return new MoeqError({
    operation: 'run an operation',
    subject: 'step',
    expected: 'a running step',
    found: 'one that has ended',
  });
}
