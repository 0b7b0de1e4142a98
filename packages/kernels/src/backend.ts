// The compute contract. A backend holds weights and KV caches in memory of its own and runs coarse operations on
// activations (step.ts); it knows kernels and layouts, no models and no formats. Operations are synchronous to issue and
// asynchronous to read, so a GPU can queue a whole token and a thread pool can be handed a whole program.
// `@moeq/kernels/conformance` says whether a backend keeps the contract; shapes that disagree, dead objects and objects of
// another backend are MoeqErrors, thrown by the call that was given them. `checkedBackend` makes them for all backends alike.
import type { LoadPlan, MemoryNeed } from './load-plan.js';
import type {
  ExpertWeights,
  HeadWeights,
  KvCache,
  KvCacheSpec,
  MatrixData,
  MlpData,
  MlpWeights,
  StateCache,
  StateCacheSpec,
  Vector,
  Weight,
} from './resources.js';
import type { Step } from './step.js';

/**
 * Loads copy: bytes and values must stay as they are until the promise is fulfilled, and may be changed or dropped
 * afterwards. A layout is a constant: a backend may keep its codebook for as long as it lives.
 */
export interface Backend {
  readonly specificationVersion: 'v1';
  /** `reference`, `wasm`, `webgpu`, … */
  readonly name: string;
  /** For people and `bench`: threads and SIMD level, or the adapter. */
  readonly description: string;
  /** Worker threads that compute; 1 where that has no meaning. */
  readonly threads: number;

  /**
   * The rows of `parts` one below the other as one weight, e.g. q, k and v. Parts may differ in dtype and layout.
   * @throws MoeqError when shapes disagree, a layout is not supported, or memory is short
   */
  loadWeight(parts: readonly MatrixData[]): Promise<Weight>;
  /**
   * Asks for the experts one after the other, so that no two need to be in memory at once; what was given for one may change
   * when the next but one is asked for. Experts of one layer have the same shapes and biases and may differ in layout.
   */
  loadExperts(experts: number, expert: (index: number) => Promise<MlpData>): Promise<ExpertWeights>;
  loadMlp(data: MlpData): Promise<MlpWeights>;
  loadVector(values: Float32Array): Promise<Vector>;
  /** A matrix whose rows are divided over so many heads; quantized ones may be held as floats. */
  loadHeads(data: MatrixData, heads: number): Promise<HeadWeights>;
  createKvCache(spec: KvCacheSpec): KvCache;
  createStateCache(spec: StateCacheSpec): StateCache;
  /**
   * What loading a plan would take, from arithmetic alone. Where `largest` is above `limit` it cannot be loaded. Absent where
   * nothing but the system's memory sets a limit.
   */
  memoryFor?(plan: LoadPlan): MemoryNeed;

  /**
   * Runs one step: `body` issues operations and may read. When the body has ended, operations of the step are refused; its
   * reads are still answered, what is left of its operations runs, and the activations die. Steps of one backend run one
   * after the other, in the order in which they were asked for; one that fails does not hold up the next. A body that
   * waits for another step of the same backend waits for ever.
   * @throws what the body throws, else the error of the first read that failed, else that of an operation
   */
  step<Result>(body: (step: Step) => Promise<Result>): Promise<Result>;

  /**
   * Compiles what the operations that `body` issues will need, without running them; reads in it are refused. Takes its turn
   * among the steps. Absent where nothing is compiled at run time.
   * @param onProgress programs ready, and how many there will be
   */
  warmUp?(body: (step: Step) => void, onProgress?: (ready: number, total: number) => void): Promise<void>;
  /**
   * How often everything that was loaded has been lost, as happens to a GPU's memory with its device; absent where it
   * cannot happen. Loads and steps fail then until `restart`.
   */
  readonly losses?: number;
  /**
   * After a loss: restarts, with nothing loaded; all objects of before are dead. Does nothing otherwise.
   * @throws MoeqError where nothing is left to begin with
   */
  restart?(): Promise<void>;

  /**
   * Frees one object; using it afterwards is an error. While a step runs, operations that it has issued before still have the
   * object, and its memory is given back when the step has ended.
   * @throws MoeqError `deadObject` when the object is released already or of another backend
   */
  release(object: Weight | ExpertWeights | MlpWeights | Vector | HeadWeights | KvCache | StateCache): void;
  /**
   * Waits for the steps asked for, then frees everything and stops threads or the device. Loads and steps that are asked for
   * afterwards are refused, `destroyed`. Again: does nothing.
   */
  destroy(): Promise<void>;
}
