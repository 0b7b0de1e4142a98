// What stands behind the objects that the backend hands out: addresses in the heaps.
import type { KvCacheSpec, StateCacheSpec } from '@moeq/kernels';
import type { Intake, LoadedMatrix } from './load-matrix.js';

export interface LoadedWeight {
  readonly rows: number;
  readonly columns: number;
  readonly bytes: number;
  /** One below the other. */
  readonly parts: readonly LoadedMatrix[];
}

export interface LoadedMlp {
  readonly hidden: number;
  readonly intermediate: number;
  readonly bytes: number;
  /** null: there is none. */
  readonly gate: LoadedMatrix | null;
  readonly up: LoadedMatrix;
  readonly down: LoadedMatrix;
  readonly biases: LoadedBiases;
}

/** Addresses of Float32 [F], [F] and [D]; 0: none. */
export interface LoadedBiases {
  /** Of the memory of all. */
  readonly address: number;
  readonly gate: number;
  readonly up: number;
  readonly down: number;
}

export interface LoadedExperts {
  readonly hidden: number;
  readonly intermediate: number;
  readonly bytes: number;
  readonly experts: readonly LoadedMlp[];
  /** Of an `expertRecord` for each expert. */
  readonly table: number;
  /** The intakes that gates and ups, and downs, have; modes are indices of these. */
  readonly upIntakes: readonly Intake[];
  readonly downIntakes: readonly Intake[];
}

export interface LoadedVector {
  readonly length: number;
  readonly bytes: number;
  readonly address: number;
}

/** A matrix whose rows belong to heads: each thread has those of its heads. */
export interface LoadedHeads {
  readonly matrix: LoadedMatrix;
}

export interface LoadedCache {
  readonly spec: KvCacheSpec;
  readonly bytes: number;
  /** Of the keys and values. */
  readonly address: number;
  /** Of the records: layers times the most key/value heads that a thread has. 0: of latents, which have none. */
  readonly records: number;
  readonly headsAThread: number;
}

export interface LoadedStates {
  readonly spec: StateCacheSpec;
  readonly bytes: number;
  /** Of the first slot of the first layer; layers one after the other. */
  readonly address: number;
  /** Bytes from a slot to the next. */
  readonly stride: number;
}
