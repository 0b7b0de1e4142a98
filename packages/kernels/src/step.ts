// One step: the operations that a backend runs on activations, and what they are described by.
//
// What is given to an operation is the caller's again when the call returns: numbers, ids, rows and segments with their pages
// and frequencies are copied or used up by then, and may be changed. Specifications (RouteSpec, AttentionSpec, Activation and the
// arrays in them) are constants of a model: they never change, and a backend keeps what it computes from them.
//
// Shapes: T tokens of the step (of one sequence or of several), D hidden, N rows, K columns, H heads, HK key/value heads,
// C head dimension, CV value dimension (C unless a cache says otherwise), E experts, A experts per token, F intermediate.
import type { RouteSpec, Routing } from '@moeq/router';
import type { Activation } from './activation.js';
import type {
  ExpertWeights,
  HeadWeights,
  KvCache,
  MlpWeights,
  StateCache,
  Vector,
  Weight,
} from './resources.js';

/** Activations, float32 [rows, columns]; live until the end of the step that made them. */
export interface Activations {
  readonly rows: number;
  readonly columns: number;
}

/** A routing that has stayed on the device: Int32 [T, A] and Float32 [T, A]; live as long as activations. */
export interface RoutingHandle {
  readonly tokens: number;
  readonly expertsPerToken: number;
  /** E: experts that there were to choose from. */
  readonly experts: number;
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
   * (dynamic NTK, LongRoPE). Keys that are in the cache stay as they were rotated.
   */
  readonly inverseFrequencies?: Float32Array;
}

/**
 * The same for layers that keep a state: the state is read at one slot and the one after the tokens is written to another, so
 * that a slot never changes under those who share it, and a step that fails can be run again.
 */
export interface StateSegment {
  readonly tokens: number;
  /** Slot of the state before the first new token; -1: zeros, at the start of a sequence. Segments may share it. */
  readonly from: number;
  /** Slot of the state after the last one, which no segment of the step reads and no other one writes. */
  readonly to: number;
}

/** Where the numbers of groups of heads stand in a row: those of group g from column at + g * stride on. */
export interface GroupPlace {
  readonly at: number;
  readonly stride: number;
}

/** `width` columns of each group. */
export interface GroupColumns extends GroupPlace {
  readonly width: number;
}

export interface ConvolutionSpec {
  /** k, at least 2: inputs that an output is made of, its own included. */
  readonly taps: number;
  /** Whether a row of x is [B | C | x], and an output C * convolution(B * x) (LFM2). */
  readonly gated: boolean;
  /** Column of a wider row at which the channels begin; unless given, a row holds nothing else. Not with gates. */
  readonly first?: number;
  /** Float32 [C], added to the sums. Not with gates. */
  readonly bias?: Vector;
  /** Whether an output is silu of its sum; false unless given. Not with gates. */
  readonly silu?: boolean;
  /**
   * Which columns of x the channels are: those of all groups in the first part, then those in the next. All columns in
   * order unless given. Not with `first` or gates.
   */
  readonly columns?: { readonly groups: number; readonly parts: readonly GroupColumns[] };
}

/** Columns of activations from `first` on. */
export interface Columns {
  readonly rows: Activations;
  readonly first: number;
}

/** What a selective scan reads of each token. The columns may lie in the same activations. */
export interface ScanInputs {
  /** H P: the heads' inputs. */
  readonly x: Columns;
  /** 2 G N: B of all groups, then C of all groups. */
  readonly bc: Columns;
  /** H: time steps before bias and softplus. */
  readonly timeStep: Columns;
  /** H P: an output is multiplied by silu of its gate. */
  readonly gate: Columns;
}

/**
 * A selective state space: Mamba, arXiv 2312.00752, whose channels are heads of one number with a decay for each number of the
 * state, and Mamba 2, arXiv 2405.21060, whose heads have one decay each.
 */
export interface ScanSpec {
  /** H */
  readonly heads: number;
  /** P: numbers of a head. */
  readonly headDim: number;
  /** N: numbers of the state for each number of a head. */
  readonly stateDim: number;
  /** G: head h reads B and C of group floor(h G / H). */
  readonly groups: number;
  /** Whether a head has one decay, or one for each of the N numbers. */
  readonly decays: 'head' | 'state';
  /** Time steps are held within, after softplus; infinity: no limit. */
  readonly leastTimeStep: number;
  readonly largestTimeStep: number;
}

/** The gated delta rule; Yang et al., arXiv 2412.06464. Kimi Delta Attention, arXiv 2510.26692, decays by channel. */
export interface DeltaRuleSpec {
  /** H, heads of values, each with a state. */
  readonly heads: number;
  /** HK, heads of queries and keys: head h has those of floor(h HK / H). */
  readonly keyHeads: number;
  /** C and CV. */
  readonly keyDim: number;
  readonly valueDim: number;
  /** One decay for a head, or one for each of its C channels. */
  readonly decayPer: 'head' | 'channel';
  /** What the normed output is multiplied by a function of: z sigmoid(z), or sigmoid(z). */
  readonly gate: 'silu' | 'sigmoid';
  /** Of the norm of outputs. */
  readonly epsilon: number;
  /** Where the numbers of the heads stand that have one key head; H / HK heads one after the other. */
  readonly places: {
    readonly beta: GroupPlace;
    readonly decay: GroupPlace;
    readonly gate: GroupPlace;
  };
}

/** Rows of what a delta rule reads beside queries, keys and values; one of them may be all three. */
export interface DeltaRuleInputs {
  /** Before the sigmoid: a number of each head. */
  readonly beta: Activations;
  /** Before softplus: a number, or C, of each head. */
  readonly decay: Activations;
  /** z: CV numbers of each head. */
  readonly gate: Activations;
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

/** An RMS norm. */
export interface NormSpec {
  readonly weight: Vector;
  readonly epsilon: number;
}

/** An RMS norm, arXiv:1910.07467, or a layer norm, arXiv:1607.06450. */
export interface RowNormSpec extends NormSpec {
  /** Whether the mean of the row is taken off first, which makes it a layer norm; false unless given. */
  readonly centred?: boolean;
  /** Added in the end. */
  readonly bias?: Vector;
  /** Column of a wider row at which the normed part, as wide as the weight, begins; unless given, it is the row. */
  readonly first?: number;
  /** Equal parts, each normed by itself; 1 unless given. */
  readonly groups?: number;
}

/** What the output of heads is multiplied by: a function of gates that stand in the row beside queries, keys and values. */
export interface AttentionGate {
  /** `sigmoid`; `softplus`: ln(1 + e^g). */
  readonly kind: 'sigmoid' | 'softplus';
  /** A gate for each number of a head's output [CV], or one for the head. */
  readonly per: 'number' | 'head';
  /** Behind each query, so that a head's query and gate are one run of numbers (Qwen3-Next), or behind the values. */
  readonly placed: 'withQueries' | 'last';
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
  /** Norms of queries and keys, over each head, follow the rotation (Hunyuan, Llama 4). */
  readonly normsTurned?: boolean;
  /** An RMS norm of each head's values, without weights (Gemma 4). */
  readonly valueNorm?: { readonly epsilon: number };
  /** A row holds no values: they are its keys as they are before norm and rotation (Gemma 4). CV is C then. */
  readonly keysAsValues?: boolean;
  /**
   * A row holds neither keys nor values: those in the cache are read, which another attention of the step or an earlier one has
   * written, and none are (Gemma 4). Norms, clip and rotation are of the queries alone.
   */
  readonly keysInCache?: boolean;
  /** Clamp queries, keys and values to ±clip, behind the norms and, unless these follow it, before the rotation (OLMoE). */
  readonly clip?: number;
  /** Float32 [H]: of each head one more score, not scaled, that takes its part of the softmax and has no value (gpt-oss). */
  readonly sinks?: Vector;
  readonly gate?: AttentionGate;
  /** A token sees itself and the `window` - 1 before it; what lies before them is not read. */
  readonly window?: number;
  /** Tokens see those from the last multiple of `window` on, in place of the last `window` (Llama 4). */
  readonly chunked?: boolean;
  /** On queries, after norms and rotation. */
  readonly queryFactor?: QueryFactor;
}

/** 1 + slope ln(1 + floor((position + offset) / every)) (Llama 4, Mistral 4). */
export interface QueryFactor {
  readonly slope: number;
  readonly every: number;
  readonly offset: number;
}

/** Attention over latents, from which keys and values of all heads are made (MLA; DeepSeek-V2, arXiv 2405.04434). */
export interface LatentSpec {
  /** H */
  readonly heads: number;
  /** N: dimensions of a head's queries and keys that do not turn. */
  readonly nopeDim: number;
  /** P: those after them, which do; their keys are the same for all heads. May be 0. */
  readonly ropeDim: number;
  /** R: numbers of a latent. */
  readonly latentDim: number;
  /** V: dimensions of a head's values. */
  readonly valueDim: number;
  /** Factor on the scores. */
  readonly scale: number;
  /** null: no positional rotation. The first dimensions of P turn, all of them as a rule. */
  readonly rope: RopeSpec | null;
  /** RMS norm of the latents, weight [R]. */
  readonly norm: NormSpec;
  /** On queries. */
  readonly queryFactor?: QueryFactor;
}

/**
 * Operations of one step. All return at once; only `read…` waits. There is always at least one row.
 * Every operation throws, and every read rejects with, a MoeqError
 * - `stepEnded` after the body of the step has ended, whatever its operands are;
 * - `deadObject` where an operand was released, belongs to another step or backend, or was used up by `add`;
 * - `mismatch` where shapes, indices or sizes do not fit each other. The step may go on after it.
 */
export interface Step {
  /** Values from outside: Float32 [rows, columns]; e.g. what an earlier step has read. */
  input(values: Float32Array, rows: number): Activations;
  /** Rows `ids` of an embedding table, times `scale` -> [T, D] */
  embed(table: Weight, ids: Int32Array, scale?: number): Activations;
  /** c * rsqrt(mean(c²) + epsilon) * weight + bias over each row or group, c = x or, where `centred`, x - mean(x) */
  norm(x: Activations, norm: RowNormSpec): Activations;
  /** x Wᵀ + bias: [T, K] -> [T, N]; with a `cap` above 0, cap * tanh(y / cap) of each y of these (logits of Gemma) */
  linear(x: Activations, weight: Weight, bias?: Vector, cap?: number): Activations;
  /** a + scale * b; may reuse the memory of `a`, which must not be used again */
  add(a: Activations, b: Activations, scale?: number): Activations;
  /**
   * Causal attention of each segment over its own pages. A row of `qkv` [T, (H + HK) C + HK CV] holds queries, then keys,
   * then values, and gates where the specification has them (`attentionRow`); the new keys (normed, clipped, rotated) and
   * values are written to the cache at `layer` first, unless they are there. Query head h
   * reads key head floor(h HK / H). Calls of one step with the same segments share what is computed from them.
   * -> [T, H * CV]
   */
  attention(
    qkv: Activations,
    cache: KvCache,
    layer: number,
    segments: readonly Segment[],
    spec: AttentionSpec,
  ): Activations;
  /**
   * Causal latent attention of each segment over its own pages. A row of `latents` [T, R + P] is a latent, which is normed, then
   * the part of the key that all heads have in common, which is rotated; both are written to the cache at `layer` first, whose
   * keys have R + P dimensions and no values beside them. A head's rows of `expansion` [H (N + V), R], N then V, make its keys and
   * its values of a latent; a row of `queries` [T, H (N + P)] meets both parts of a key. A backend may multiply queries and
   * results by them in place of the latents, which is the same but for rounding.
   * -> [T, H V]
   */
  latentAttention(
    queries: Activations,
    latents: Activations,
    expansion: HeadWeights,
    cache: KvCache,
    layer: number,
    segments: readonly Segment[],
    spec: LatentSpec,
  ): Activations;
  /**
   * Causal convolution of each channel over the tokens of its segment: sum of weight[c, i] * x[t - k + 1 + i, c] for i from 0
   * to k - 1, in float32. Weight Float32 [C * k], channel by channel. The cache has C parts of k - 1 numbers: the last inputs.
   * [T, C], gated [T, 3 C], or from column `first` of wider rows -> [T, C]
   */
  convolution(
    x: Activations,
    weight: Vector,
    cache: StateCache,
    layer: number,
    segments: readonly StateSegment[],
    spec: ConvolutionSpec,
  ): Activations;
  /**
   * The recurrence of a selective state space over the tokens of each segment, for each head with state S [P, N], in float32:
   *   d = softplus(timeStep + bias), within limits;  S = exp(-d exp(A)) S + d x ⊗ B;  y = (S C + D x) silu(gate)
   * Parameters Float32: A [H], or [H, N] where the decays are of the state, then the bias of the time steps [H], then D [H]. The
   * cache has H parts of P N numbers: S.
   * -> [T, H P]
   */
  selectiveScan(
    inputs: ScanInputs,
    parameters: Vector,
    cache: StateCache,
    layer: number,
    segments: readonly StateSegment[],
    spec: ScanSpec,
  ): Activations;
  /**
   * The gated delta rule, token after token of each segment, in float32. A row of `qkv` [T, 2 HK C + H CV] holds queries, then
   * keys, then values. Queries and keys become q = x rsqrt(Σx² + 1e-6) of their head, queries times C^-0.5 besides. With
   * a = exp(-exp(A) softplus(decay + bias)) and b = sigmoid(beta) the state S [C, CV] of a head becomes
   *   S = a S, then S + k dᵀ, where d = b (v - Sᵀ k),
   * and its output is the RMS norm of Sᵀ q times the norm's weights and the function of its gate.
   * `weights` holds A [H], the bias [H], by channel [H C], and the norm's weights [CV]. The cache has H parts of C CV numbers.
   * -> [T, H CV]
   */
  deltaRule(
    qkv: Activations,
    inputs: DeltaRuleInputs,
    weights: Vector,
    cache: StateCache,
    layer: number,
    segments: readonly StateSegment[],
    spec: DeltaRuleSpec,
  ): Activations;
  /**
   * Chooses experts from router logits [T, E]. `correctionBias` Float32 [E] takes part in the choice, not in the weights.
   * The final weight of an expert is multiplied by its number of `scales`, Float32 [E] (Gemma 4).
   * Logits that are not finite make this call, a later read, or the step an error, `notFinite`.
   */
  route(logits: Activations, spec: RouteSpec, correctionBias?: Vector, scales?: Vector): RoutingHandle;
  /**
   * The routed experts of every token, weighted and summed: [T, D] -> [T, D]. The routing is over as many experts as there
   * are weights; the activation is gated where they are. No expert is ever expanded to floats.
   */
  experts(
    x: Activations,
    routing: RoutingHandle,
    weights: ExpertWeights,
    activation: Activation,
  ): Activations;
  /** A dense or shared MLP; with `outputGate` [1, D] each row is multiplied by sigmoid(x · outputGate) (Qwen2-MoE). */
  mlp(x: Activations, weights: MlpWeights, activation: Activation, outputGate?: Weight): Activations;
  /**
   * What stands between the two sides of an MLP by itself: f(g) * u of a gated activation, number by number, of gates [T, F] and
   * ups, F columns of wider rows -> [T, F]
   */
  multiplyGated(gates: Activations, ups: Columns, activation: Activation): Activations;
  /** Rows of x by index, e.g. the last token of each segment before the head. */
  selectRows(x: Activations, rows: Int32Array): Activations;
  /**
   * Float32 [rows * columns], a copy that outlives the step. Answered even where the body does not wait for it: the step
   * ends after its reads. A read that fails makes the step fail with its error.
   */
  read(x: Activations): Promise<Float32Array>;
  /** As `read`. */
  readRouting(routing: RoutingHandle): Promise<Routing>;
}
