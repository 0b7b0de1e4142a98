// What a model will load into a backend, known from the headers of its files before a weight is read, and what that takes.
//
// Shapes: D hidden, N rows, K columns, F intermediate.
import { type DType, isQuantized, type Layout } from '@moeq/tensors';
import type { KvCacheSpec, MatrixData, StateCacheSpec } from './resources.js';

/** A matrix [N, K] without its data. */
export interface MatrixHead {
  readonly shape: readonly number[];
  /** Of a plain matrix. */
  readonly dtype: DType;
  /** Of a quantized one. */
  readonly layout?: Layout | undefined;
}

/** One expert, or a dense or shared MLP, as `MlpData`. */
export interface MlpHead {
  readonly gateUp: readonly MatrixHead[];
  /** [D, F] */
  readonly down: MatrixHead;
  /** Numbers of all its biases together; 0 unless given. */
  readonly biases?: number;
}

/** A matrix whose rows are divided over heads. */
export interface HeadsHead {
  readonly matrix: MatrixHead;
  readonly heads: number;
}

export interface LoadPlan {
  /** As `loadWeight` gets them. */
  readonly weights: readonly (readonly MatrixHead[])[];
  /** Dense and shared MLPs, and every expert. */
  readonly mlps: readonly MlpHead[];
  /** As `loadHeads` gets them. */
  readonly heads: readonly HeadsHead[];
  /** Lengths, as `loadVector` gets them. */
  readonly vectors: readonly number[];
  /** As `createKvCache` gets them. */
  readonly caches: readonly KvCacheSpec[];
  /** As `createStateCache` gets them. */
  readonly states: readonly StateCacheSpec[];
  /** Matrices of which no header says what they will be; they are not in the plan. */
  readonly unknown: number;
}

/** What a plan takes. Activations come on top. */
export interface MemoryNeed {
  /** In all memories together. */
  readonly bytes: number;
  readonly cacheBytes: number;
  /** What the limit is of: each thread has a memory of its own, and a device binds buffers. */
  readonly unit: 'thread' | 'buffer';
  /** Memories, or buffers that the largest could be divided over: 1. */
  readonly units: number;
  /** In the fullest memory, or in the largest buffer. */
  readonly largest: number;
  /** Bytes that one can have at most. */
  readonly limit: number;
}

/** @returns the head of a matrix that is there */
export function headOf(data: MatrixData): MatrixHead {
  const { shape, dtype } = data;
  return isQuantized(data) ? { shape, dtype, layout: data.layout ?? undefined } : { shape, dtype };
}
