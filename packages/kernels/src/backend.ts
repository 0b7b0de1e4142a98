// The compute contract. A backend holds weights and KV caches in memory of its own and runs coarse operations on
// activations; it knows kernels and layouts, no models and no formats. Operations are synchronous to issue and
// asynchronous to read, so a GPU can queue a whole token and a thread pool can be handed a whole program.
// `@moeq/kernels/conformance` says whether a backend keeps the contract; shapes that disagree, dead objects and objects of
// another backend are MoeqErrors, thrown by the call that was given them.
//
// Shapes: T tokens of the step (of one sequence or of several), D hidden, N rows, K columns, H heads, HK key/value heads,
// C head dimension, CV value dimension (C unless a cache says otherwise), E experts, A experts per token, F intermediate, L layers.
import type { RouteSpec, Routing } from '@moeq/router';
import type { FloatDType, QuantizedTensor, Tensor } from '@moeq/tensors';
import type { LoadPlan, MemoryNeed } from './load-plan.js';

/** A matrix [N, K] as read from a checkpoint: plain (F32, F16 or BF16) or quantized with a layout. */
export type MatrixData = Tensor | QuantizedTensor;

/** Weights of one matrix multiply in the backend's memory. Opaque: only the backend that made it can use it. */
export interface Weight {
  /** N: outputs. */
  readonly rows: number;
  /** K: inputs. */
  readonly columns: number;
  /** Bytes held, padding included. */
  readonly bytes: number;
}

/** The routed experts of one layer in the backend's memory. */
export interface ExpertWeights {
  readonly experts: number;
  readonly bytes: number;
}

/** A norm's or bias's numbers, float32. */
export interface Vector {
  readonly length: number;
  readonly bytes: number;
}

/** Activations, float32 [rows, columns]; live until the end of the step that made them. */
export interface Activations {
  readonly rows: number;
  readonly columns: number;
}

/** A routing that has stayed on the device: Int32 [T, A] and Float32 [T, A]. */
export interface RoutingHandle {
  readonly tokens: number;
  readonly expertsPerToken: number;
}

/** Keys and values of all layers in pages; sequences own pages, so a prefix can be shared and memory reused. */
export interface KvCache {
  readonly spec: KvCacheSpec;
  readonly bytes: number;
}

export interface KvCacheSpec {
  readonly layers: number;
  readonly kvHeads: number;
  /** C */
  readonly headDim: number;
  /** CV; C unless given (MLA has wider keys than values). */
  readonly valueDim?: number;
  /** Tokens a page. */
  readonly pageSize: number;
  readonly pages: number;
}

/** The part of a step that belongs to one sequence: `tokens` consecutive rows of the activations. */
export interface Segment {
  /**
   * Pages of the sequence in order, enough for start + tokens. A page that lies wholly before what the first new token sees,
   * by the window of the AttentionSpec, may be -1: it holds nothing and is not read.
   */
  readonly pages: Int32Array;
  /** Tokens of the sequence that are in the cache already; the position of the first new one. */
  readonly start: number;
  readonly tokens: number;
  /**
   * Float32 [rotated / 2], in place of those of the RopeSpec: for rotations that depend on the length of the sequence
   * (dynamic NTK, LongRoPE). Keys that are in the cache stay as they were turned.
   */
  readonly inverseFrequencies?: Float32Array;
}

export type Activation = 'silu' | 'gelu' | 'geluTanh';

/** One expert, or a dense or shared MLP: down(act(gate(x)) * up(x)). */
export interface MlpData {
  /** Rows: gate [F, D] then up [F, D], as one fused matrix [2F, D] or as two. */
  readonly gateUp: readonly MatrixData[];
  /** [D, F] */
  readonly down: MatrixData;
}

export interface MlpWeights {
  readonly bytes: number;
}

export interface RopeSpec {
  /**
   * Float32 [rotated / 2]: angle = position * inverseFrequencies[i], rounded to float32 before cos and sin are taken. The
   * first `rotated` of the C dimensions turn.
   */
  readonly inverseFrequencies: Float32Array;
  /** Factor on cos and sin: YaRN's attention factor, 1 otherwise. */
  readonly attentionFactor: number;
  /** `halves`: i turns with i + rotated/2 (Llama, transformers); `interleaved`: 2i with 2i + 1. */
  readonly style: 'halves' | 'interleaved';
}

export interface NormSpec {
  readonly weight: Vector;
  readonly epsilon: number;
}

export interface AttentionSpec {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor on the scores, usually C^-0.5. */
  readonly scale: number;
  /** null: no positional rotation. */
  readonly rope: RopeSpec | null;
  /** RMS norms of queries and keys before the rotation: over each head (weight [C]) or the whole width (weight [H * C]). */
  readonly queryNorm?: NormSpec & { readonly over: 'head' | 'all' };
  readonly keyNorm?: NormSpec & { readonly over: 'head' | 'all' };
  /** Clamp queries, keys and values to ±clip, after the norms and before the rotation (OLMoE's clip_qkv). */
  readonly clip?: number;
  /** A token sees itself and the `window` - 1 before it; what lies before them is not read. */
  readonly window?: number;
}

/** Operations of one step. All return at once; only `read…` waits. There is always at least one row. */
export interface Step {
  /** Values from outside: Float32 [rows, columns], copied; e.g. what an earlier step has read. */
  input(values: Float32Array, rows: number): Activations;
  /** Rows `ids` of an embedding table, times `scale` -> [T, D] */
  embed(table: Weight, ids: Int32Array, scale?: number): Activations;
  /** x * rsqrt(mean(x²) + epsilon) * weight, over each row */
  rmsNorm(x: Activations, norm: NormSpec): Activations;
  /** x Wᵀ + bias: [T, K] -> [T, N] */
  linear(x: Activations, weight: Weight, bias?: Vector): Activations;
  /** a + scale * b; may reuse the memory of `a`, which must not be used again */
  add(a: Activations, b: Activations, scale?: number): Activations;
  /**
   * Causal attention of each segment over its own pages. A row of `qkv` [T, (H + HK) C + HK CV] holds queries, then keys,
   * then values; the new keys (normed, clipped, rotated) and values are written to the cache at `layer` first. Query head h
   * reads key head floor(h HK / H). -> [T, H * CV]
   */
  attention(
    qkv: Activations,
    cache: KvCache,
    layer: number,
    segments: readonly Segment[],
    spec: AttentionSpec,
  ): Activations;
  /**
   * Chooses experts from router logits [T, E]. `correctionBias` Float32 [E] takes part in the choice, not in the weights.
   * Logits that are not finite make this call, a later read, or the step an error.
   */
  route(logits: Activations, spec: RouteSpec, correctionBias?: Vector): RoutingHandle;
  /**
   * The routed experts of every token, weighted and summed: [T, D] -> [T, D]. The routing is over as many experts as there
   * are weights. No expert is ever expanded to floats.
   */
  experts(
    x: Activations,
    routing: RoutingHandle,
    weights: ExpertWeights,
    activation: Activation,
  ): Activations;
  /** A dense or shared MLP; with `outputGate` [1, D] each row is multiplied by sigmoid(x · outputGate) (Qwen2-MoE). */
  mlp(x: Activations, weights: MlpWeights, activation: Activation, outputGate?: Weight): Activations;
  /** Rows of x by index, e.g. the last token of each segment before the head. */
  selectRows(x: Activations, rows: Int32Array): Activations;
  /** Float32 [rows * columns], a copy that outlives the step. */
  read(x: Activations): Promise<Float32Array>;
  readRouting(routing: RoutingHandle): Promise<Routing>;
}

export interface Backend {
  readonly specificationVersion: 'v1';
  /** `reference`, `wasm`, `webgpu`, … */
  readonly name: string;
  /** For people and `bench`: threads and SIMD level, or the adapter. */
  readonly description: string;
  /** Worker threads that compute; 1 where that has no meaning. */
  readonly threads: number;

  /**
   * The rows of `parts` one below the other as one weight, e.g. q, k and v. Copies: the data may be dropped afterwards.
   * Parts may differ in dtype and layout.
   * @throws MoeqError when shapes disagree, a layout is not supported, or memory is short
   */
  loadWeight(parts: readonly MatrixData[]): Promise<Weight>;
  /**
   * Asks for the experts one after the other, so that no two need to be in memory at once. Experts of one layer have the
   * same shapes and may differ in layout.
   */
  loadExperts(experts: number, expert: (index: number) => Promise<MlpData>): Promise<ExpertWeights>;
  loadMlp(data: MlpData): Promise<MlpWeights>;
  loadVector(values: Float32Array): Promise<Vector>;
  createKvCache(spec: KvCacheSpec): KvCache;
  /**
   * What loading a plan would take, from arithmetic alone. Where `largest` is above `limit` it cannot be loaded. Absent where
   * nothing but the system's memory sets a limit.
   */
  memoryFor?(plan: LoadPlan): MemoryNeed;

  /**
   * Runs one step: `body` issues operations and may read. Activations die when it ends. Steps of one backend run one
   * after the other, in the order in which they were asked for; one that fails does not hold up the next. A body that
   * waits for another step of the same backend waits for ever.
   */
  step<Result>(body: (step: Step) => Promise<Result>): Promise<Result>;

  /**
   * Compiles what the operations that `body` issues will need, without running them; reads in it answer nothing. Absent
   * where nothing is compiled at run time.
   * @param onProgress programs ready, and how many there will be
   */
  warmUp?(body: (step: Step) => void, onProgress?: (ready: number, total: number) => void): Promise<void>;
  /**
   * How often everything that was loaded has been lost, as happens to a GPU's memory with its device; absent where it
   * cannot happen. Loads and steps fail then until `restart`.
   */
  readonly losses?: number;
  /**
   * After a loss: begins anew, with nothing loaded; all objects of before are dead. Does nothing otherwise.
   * @throws MoeqError where nothing is left to begin with
   */
  restart?(): Promise<void>;

  /** Frees one object; using it afterwards is an error. */
  release(object: Weight | ExpertWeights | MlpWeights | Vector | KvCache): void;
  /** Waits for the steps asked for, then frees everything and stops threads or the device. Again: does nothing. */
  destroy(): Promise<void>;
}

/** The dtypes that a plain MatrixData may have. */
export const floatMatrixDTypes: readonly FloatDType[] = ['F32', 'F16', 'BF16'];
