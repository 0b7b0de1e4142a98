// What the host and the workers that quantize say to each other. The memory of a job is shared where it can be; else it goes
// with the message and comes back with the answer. Either way it is used again: nothing large is left to be collected.
import type { Codebook, CodeRule, FloatDType, SquaredNorms } from '@moeq/tensors';

/** Consecutive whole blocks of a matrix; whole rows, where blocks are cut at row ends. */
export interface StripJob {
  readonly kind: 'strip';
  readonly rule: CodeRule;
  readonly dtype: FloatDType;
  readonly rows: number;
  readonly columns: number;
  readonly data: Uint8Array;
  /** For the results: `roomBytes` or more. */
  readonly room: ArrayBufferLike;
  /** Whether scales stay records, to be nested with those of the other strips. */
  readonly nested: boolean;
}

/** Views of `room`. */
interface StripResult {
  readonly codes: Uint8Array;
  readonly zeroPoints: Uint8Array | null;
  /** Float32 [blocks], or [blocks, 4] records to be nested. */
  readonly scales: Float32Array;
  /** Null before nesting. */
  readonly norms: SquaredNorms | null;
}

export interface NestJob {
  readonly kind: 'nest';
  readonly rule: CodeRule;
  readonly codebook: Codebook;
  readonly blockSize: number;
  /** Float32 [blocks, 4] */
  readonly records: Float32Array;
}

export interface NestResult {
  readonly codes: Uint8Array;
  readonly nested: Float32Array;
  readonly offset: number;
  readonly norms: SquaredNorms;
}

export interface StripAnswer {
  /** null: the weights do not suit the format. */
  readonly result: StripResult | null;
  /** Those of the job. */
  readonly data: ArrayBufferLike;
  readonly room: ArrayBufferLike;
}

export interface Results {
  readonly strip: StripAnswer;
  readonly nest: NestResult;
}

export type Job = StripJob | NestJob;

export type ToWorker =
  | { readonly kind: 'start'; readonly module: WebAssembly.Module }
  | { readonly kind: 'job'; readonly id: number; readonly job: Job };

/** Results come in the order of the jobs. */
export type FromWorker =
  | { readonly kind: 'result'; readonly id: number; readonly result: Results[Job['kind']] }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: string };
