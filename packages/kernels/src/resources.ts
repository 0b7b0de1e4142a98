// What a backend holds in memory of its own, weights and caches, and the data that weights are loaded from.
//
// Shapes: D hidden, N rows, K columns, HK key/value heads, C head dimension, CV value dimension, F intermediate, L layers.
import type { FloatDType, QuantizedTensor, Tensor } from '@moeq/tensors';

/** A matrix [N, K] as read from a checkpoint: plain (F32, F16 or BF16) or quantized with a layout. */
export type MatrixData = Tensor | QuantizedTensor;

/** The dtypes that a plain MatrixData may have. */
export const floatMatrixDTypes: readonly FloatDType[] = ['F32', 'F16', 'BF16'];

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
  /** D */
  readonly hidden: number;
  /** Whether they have gates. */
  readonly gated: boolean;
  readonly bytes: number;
}

/** A dense or shared MLP in the backend's memory. */
export interface MlpWeights {
  /** D */
  readonly hidden: number;
  /** Whether it has a gate. */
  readonly gated: boolean;
  readonly bytes: number;
}

/** A norm's or bias's numbers, float32. */
export interface Vector {
  readonly length: number;
  readonly bytes: number;
}

/**
 * A matrix [H N, K] whose rows belong to heads, N to each, in the backend's memory: heads are multiplied apart, from both sides.
 */
export interface HeadWeights {
  /** H */
  readonly heads: number;
  /** N: of one head. */
  readonly rows: number;
  /** K */
  readonly columns: number;
  readonly bytes: number;
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
  /** CV; C unless given. 0: there are no values beside the keys, which are latents (`latentAttention`). */
  readonly valueDim?: number;
  /** Tokens a page. */
  readonly pageSize: number;
  readonly pages: number;
}

/** States of fixed size of all layers in slots: what a recurrence or a convolution keeps of a sequence, whatever its length. */
export interface StateCache {
  readonly spec: StateCacheSpec;
  readonly bytes: number;
}

export interface StateCacheSpec {
  readonly layers: number;
  /** Channels or heads of a layer: no part reads what another one keeps. */
  readonly parts: number;
  /** Float32 numbers that each part keeps. */
  readonly size: number;
  /** States of all parts that each layer holds; what they hold at first is not defined. */
  readonly slots: number;
}

/** One expert, or a dense or shared MLP: down(act(gate(x)) * up(x)), or without a gate down(act(up(x))). */
export interface MlpData {
  /** Rows: gate [F, D] then up [F, D], as one fused matrix [2F, D] or as two; without a gate up [F, D]. */
  readonly gateUp: readonly MatrixData[];
  /** [D, F] */
  readonly down: MatrixData;
  /** Float32: of gate [F] then of up [F]; without a gate of up [F]. */
  readonly gateUpBias?: Float32Array;
  /** Float32 [D] */
  readonly downBias?: Float32Array;
}
