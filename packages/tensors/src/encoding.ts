// How weights become codes, as data, so that a faster implementation can take a quantizer's place: it reads the encoding and
// never a format's name. And the contract of such an implementation, which gives the same planes, byte for byte.
//
// Shapes: N rows, K columns.
import type { FloatDType } from './dtype.js';
import type { Plane } from './layout.js';
import type { SquaredNorms } from './squared-norms.js';

/**
 * Values in [-1, 1] that stand for x = weight / absmax. A rank is a code's place among the codes sorted by value; that of x is
 * the number of thresholds below it.
 */
export interface Codebook {
  readonly bitsPerCode: 4 | 8;
  /** Float32 [2^bitsPerCode], by code. */
  readonly values: Float32Array;
  /** Float32 [2^bitsPerCode], ascending, the last infinite. */
  readonly thresholds: Float32Array;
  /** Uint8 [2^bitsPerCode] */
  readonly codeOfRank: Uint8Array;
}

/** What makes the codes and scales of a matrix [N, K]; each is described where it is defined, in @moeq/quantizers. */
export type CodeRule =
  /** Flat blocks of 32 to 4096, codes of the nearest value; 4 bits: the even element in the high nibble. */
  | { readonly kind: 'codebook'; readonly codebook: Codebook; readonly blockSize: number }
  /** Blocks of a row, codes 0 to 15, the even element in the low nibble; a zero of 8 or a zero point a block. */
  | {
      readonly kind: 'affine4';
      readonly blockSize: number | 'row';
      readonly symmetric: boolean;
      /** Whether the scale is the one of the least squared error. */
      readonly search: boolean;
    }
  /** Blocks of a row, codes -127 to 127, scale absmax / 127. */
  | { readonly kind: 'signed8'; readonly blockSize: number }
  /** One scale a row, its absmax, codes -127 to 127; BF16 passes through F16. `multiplier` is the layout's. */
  | { readonly kind: 'rows8'; readonly multiplier: number };

export interface Encoding {
  readonly rule: CodeRule;
  /** Double quantization of the scales: codes of 8 bits around their mean. */
  readonly nested: { readonly codebook: Codebook; readonly blockSize: number } | null;
}

/** A plain matrix whose bytes are asked for range by range. */
export interface MatrixInput {
  readonly dtype: FloatDType;
  readonly shape: readonly [rows: number, columns: number];
  /**
   * `length` bytes from `offset` on.
   * @param into memory of that length, to be filled and returned; what is returned instead is copied at once
   */
  read(offset: number, length: number, into: Uint8Array): Promise<Uint8Array>;
}

export interface EncodedMatrix {
  /** Those of the layout. */
  readonly planes: Readonly<Record<string, Plane>>;
  /** To about 1e-7. */
  readonly norms: SquaredNorms;
}

export interface MatrixEncoder {
  /**
   * @returns null where it has no kernel for the encoding, or the weights do not suit it (NaN, infinity, beyond the format):
   *   the quantizer itself then does it, or says what is wrong
   * @throws what `read` throws; an error when a thread fails
   */
  encode(input: MatrixInput, encoding: Encoding): Promise<EncodedMatrix | null>;
  /** Ends its threads. */
  close(): Promise<void>;
}
