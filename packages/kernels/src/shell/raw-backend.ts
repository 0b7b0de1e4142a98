// What a backend supplies: memory, and operations on types of its own, without handles and without checks. `checkedBackend`
// makes a `Backend` of it, and asks for nothing that the contract forbids: operands are alive and fit each other, steps come
// one after the other, and no object is freed that a running step may still use.
import type { Backend } from '../backend.js';
import type { KvCacheSpec, MatrixData, MlpData, StateCacheSpec } from '../resources.js';
import type { BackendTypes, Loaded } from './objects.js';
import type { OperationKind, OperationOf } from './operands.js';

/** Steps of a backend run one after the other. */
export interface RawStep<T extends BackendTypes> {
  /**
   * Runs an operation or takes it down to be run later. Nodes may be operands of any number of operations, and be read
   * again; segments are never changed, and are the same object as long as they say the same.
   * @param rows of the result
   * @param columns of the result; 2 A of a routing
   */
  record<Kind extends OperationKind>(
    operation: OperationOf<T, Kind>,
    rows: number,
    columns: number,
  ): T['node'];
  /** The numbers of a node, 4 * rows * columns bytes, a copy. */
  read(node: T['node']): Promise<ArrayBufferLike>;
  /** The body has ended well and its reads are answered: runs what is left, for its effects on caches and for its errors. */
  finish(): Promise<void>;
  /** Ends the step in any case; gives back the memory of its nodes. */
  close(): void;
}

export interface RawBackend<T extends BackendTypes, OpenStep extends RawStep<T> = RawStep<T>>
  extends Pick<Backend, 'name' | 'description' | 'threads' | 'memoryFor'> {
  /** Whether matrices without a layout come this far, to be read or refused by their format; false unless given. */
  readonly readsFormats?: boolean;
  /** Parts that have as many columns. */
  loadWeight(parts: readonly MatrixData[]): Promise<Loaded<T['weight']>>;
  /** @param expert asked for one index after the other; all have the same shapes */
  loadExperts(experts: number, expert: (index: number) => Promise<MlpData>): Promise<Loaded<T['experts']>>;
  loadMlp(data: MlpData): Promise<Loaded<T['mlp']>>;
  loadVector(values: Float32Array): Promise<Loaded<T['vector']>>;
  /** Rows of the matrix are a multiple of the heads. */
  loadHeads(data: MatrixData, heads: number): Promise<Loaded<T['heads']>>;
  createKvCache(spec: KvCacheSpec): Loaded<T['cache']>;
  createStateCache(spec: StateCacheSpec): Loaded<T['state']>;
  /** Asked before loads and steps. @throws MoeqError where nothing can run any more, as after the loss of a device */
  check?(): void;
  openStep(): OpenStep | Promise<OpenStep>;
  /** Compiles what the recorded operations of a step need. They do not run; the step is closed without `finish`. */
  compile?(step: OpenStep, onProgress?: (ready: number, total: number) => void): Promise<void>;
  /** Frees everything. No step runs. */
  stop(): Promise<void>;
}
