// What a conversion did, as data: the document of `moeq quantize --json` and what its table shows.
import type { Role } from '@moeq/quantizers';
import type { FormName } from './form.js';

/** The tensors of one role together. */
export interface RoleSummary {
  readonly role: Role;
  /** What they are stored as now: dtypes and names of formats. */
  readonly stored: readonly string[];
  readonly tensors: number;
  readonly parameters: number;
  /** Bytes of the tensors in the input files. */
  readonly bytesIn: number;
  /** Bytes in the output files: all planes, code tables and descriptions. */
  readonly bytesOut: number;
  /** 8 * bytesOut / parameters */
  readonly bitsPerWeight: number;
  /**
   * ||W - Q(W)|| / ||W|| over the tensors of the role that were changed, together; 0 where all were kept, byte for byte. NaN
   * where it was not measured, infinite where all-zero weights became something else.
   */
  readonly relativeError: number;
}

/** One quantized matrix: a tensor, or one expert of a fused tensor. */
export interface TensorError {
  readonly name: string;
  readonly role: Role;
  readonly format: string;
  /** The expert, where the tensor holds several. */
  readonly matrix?: number;
  /** ||W - Q(W)|| / ||W||, Frobenius norms in float64; 0 where W is all zero and Q(W) too. */
  readonly relativeError: number;
  /** Planes only: what the tensor costs in memory. */
  readonly bitsPerWeight: number;
}

export interface Coverage {
  /** Bytes in the input of the matrices of experts that were quantized. */
  readonly expertBytesQuantized: number;
  readonly expertBytesTotal: number;
  /** Their ratio; 1 for a model without experts, of which nothing was missed. */
  readonly fraction: number;
}

export interface WrittenFile {
  /** Relative to the output folder. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface QuantizeReport {
  readonly out: string;
  readonly recipe: string;
  /** In safetensors the first of convert's forms that can express the recipe. */
  readonly form: FormName | 'gguf';
  /** Of all tensors, in the files. */
  readonly bytes: { readonly in: number; readonly out: number };
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly coverage: Coverage;
  readonly errors: {
    readonly byRole: Readonly<Partial<Record<Role, number>>>;
    /** The ten matrices that lost most, worst first. */
    readonly worst: readonly TensorError[];
  };
  readonly files: readonly WrittenFile[];
  readonly byRole: readonly RoleSummary[];
  readonly warnings: readonly string[];
  /** What the recipe does otherwise than its reader may think. */
  readonly notes: readonly string[];
}
