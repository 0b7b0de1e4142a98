// What the host and the workers that quantize send each other. A job has a workspace in the memory of the worker, laid out as
// layout.ts says. Where that memory is shared, the host puts the input there and takes the results from it; else
// both go with the messages.
import type { Codebook, CodeRule, FloatDType, SquaredNorms } from '@moeq/tensors';

/** Consecutive whole blocks of a matrix; whole rows, where blocks are cut at row ends. */
export interface StripJob {
  readonly kind: 'strip';
  readonly rule: CodeRule;
  readonly dtype: FloatDType;
  readonly rows: number;
  readonly columns: number;
  /** Whether scales stay records, to be nested with those of the other strips. */
  readonly nested: boolean;
}

/** Records of all blocks of a matrix to nested scales. */
export interface NestJob {
  readonly kind: 'nest';
  readonly rule: CodeRule;
  readonly codebook: Codebook;
  readonly blockSize: number;
  readonly blocks: number;
}

export type Job = StripJob | NestJob;

export interface Summary {
  /** null: the weights do not suit the format. Of a strip to be nested: zeros. */
  readonly norms: SquaredNorms | null;
  /** The mean of nested scales; else 0. */
  readonly offset: number;
}

export type ToWorker =
  | {
      readonly kind: 'startQuantizing';
      readonly module: WebAssembly.Module;
      /** Shared with the host; null: one of the worker's own. */
      readonly memory: WebAssembly.Memory | null;
    }
  | {
      readonly kind: 'job';
      readonly id: number;
      readonly job: Job;
      /** The address of the workspace. */
      readonly workspace: number;
      /** What belongs at its beginning; null: it is there. */
      readonly input: Uint8Array | null;
    };

/** Results come in the order of the jobs. */
export type FromWorker =
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly summary: Summary;
      /** A copy of the results, where the input came with the job; else empty. */
      readonly results: Uint8Array;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: string };
