// What the host and the workers that quantize say to each other. Bytes change hands with the messages: nothing is shared.
import type { Codebook, CodeRule, FloatDType, SquaredNorms } from '@moeq/tensors';

/** Consecutive whole blocks of a matrix; whole rows, where blocks are cut at row ends. */
export interface StripJob {
  readonly kind: 'strip';
  readonly rule: CodeRule;
  readonly dtype: FloatDType;
  readonly rows: number;
  readonly columns: number;
  readonly data: ArrayBuffer;
  /** Whether scales stay records, to be nested with those of the other strips. */
  readonly nested: boolean;
}

export interface StripResult {
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
  readonly records: Float32Array<ArrayBuffer>;
}

export interface NestResult {
  readonly codes: Uint8Array;
  readonly nested: Float32Array;
  readonly offset: number;
  readonly norms: SquaredNorms;
}

export interface Results {
  /** null: the weights do not suit the format. */
  readonly strip: StripResult | null;
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
