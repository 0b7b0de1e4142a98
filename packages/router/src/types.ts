// Shapes: T tokens, E experts, A experts per token (active), S = T * A assignments.

/** How router logits become a choice of experts; architectures differ in these fields alone. */
export interface RouteSpec {
  readonly experts: number;
  readonly expertsPerToken: number;
  /**
   * - `softmax`: softmax over all logits, then top-k (Mixtral, Qwen, OLMoE).
   * - `softmaxAfterTopK`: top-k of the logits, then softmax over the chosen (GraniteMoE, gpt-oss).
   * - `sigmoid`: sigmoid of each logit, top-k of score + correction bias, weights without the bias (DeepSeek-V3).
   * - `sparseMixer`: top-k of the logits; the weight of each is its softmax over those not chosen before it that are near it
   *   (Phi-3.5-MoE).
   */
  readonly score: 'softmax' | 'softmaxAfterTopK' | 'sigmoid' | 'sparseMixer';
  /** Of `sparseMixer` alone, which needs it: logit l is near the chosen c where c - l <= 2 jitter max(|l|, c). */
  readonly jitter?: number;
  /** Divide the chosen weights by their sum. Without effect for `softmaxAfterTopK` and `sparseMixer`. */
  readonly normalizeTopK: boolean;
  /** Added to the sum before dividing: 1e-20 in DeepSeek-V3, 0 elsewhere. */
  readonly normalizeEpsilon?: number;
  /** Factor on the final weights; 1 unless given. */
  readonly scalingFactor?: number;
  /** Experts are chosen within the best `kept` of `count` groups, ranked by the max or the sum of the top two scores. */
  readonly groups?: { readonly count: number; readonly kept: number; readonly rank: 'max' | 'topTwoSum' };
}

/** The experts of each token, best first; equal scores go to the lower expert index. */
export interface Routing {
  readonly tokens: number;
  readonly expertsPerToken: number;
  /** Int32 [T, A] */
  readonly expertIndices: Int32Array;
  /** Float32 [T, A] */
  readonly expertWeights: Float32Array;
}

/** The assignments of a routing sorted by expert; inside an expert by token. */
export interface DispatchPlan {
  /** Int32 [E + 1]: expert e owns the sorted assignments offsets[e] to offsets[e + 1] - 1. */
  readonly offsets: Int32Array;
  /** Int32 [S]: the token of a sorted assignment. */
  readonly tokenOfAssignment: Int32Array;
  /** Int32 [T, A]: where assignment (t, a) went, the inverse of the sort. */
  readonly sortedAssignment: Int32Array;
}
