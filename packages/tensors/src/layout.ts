// What a quantized tensor *is*: planes of bytes and a layout that says, as data, how to read them. Kernels read the
// layout and never a format's name, so a codebook of your own runs on every kernel there is.
//
//   value[i] = decode(code[i]) * scale[block(i)] (+ offset[block(i)])      float32, rounded after each step
//
// Shapes: M matrices (one, or the experts of a fused tensor), N rows, K columns, B block, G blocks of one matrix.
// Every matrix is quantized by itself; a plane is the concatenation of the planes of its matrices, so that
// `sliceMatrix` cuts one expert out without a copy. Codes run along the row-major elements of a matrix, whatever its
// blocks do. `planeSpecs` says which planes a layout needs, of which dtype and size.
import type { DType, FloatDType } from './dtype.js';

/**
 * Where the codes of a byte or block go.
 * - `highFirst`: element 2i in the high nibble of byte i (bitsandbytes).
 * - `lowFirst`: element 2i in the low nibble of byte i (compressed-tensors, GPTQ along K).
 * - `splitHalves`: in every 32 elements, byte j holds element j low and element j + 16 high (ggml); a last group of fewer
 *   takes 16 bytes all the same.
 * Codes of 8 bits have no order; their layouts say `lowFirst`.
 */
export type CodeOrder = 'highFirst' | 'lowFirst' | 'splitHalves';

/** The code to a number, before the scale. */
export type Decode =
  /** A table of 2^bitsPerCode values: nf4, fp4, mxfp4, fp8, or one of your own. */
  | { readonly kind: 'codebook'; readonly values: Float32Array }
  /** The integer itself, minus what stands for zero. */
  | { readonly kind: 'affine'; readonly zero: Zero };

export type Zero =
  /** Codes are two's complement; nothing is subtracted. */
  | { readonly kind: 'signed' }
  /** Unsigned codes; the same integer is subtracted everywhere, 8 for symmetric int4 stored as 0..15. */
  | { readonly kind: 'constant'; readonly value: number }
  /** Unsigned codes; plane `zeroPoints` (U8, one a block) is subtracted: (q - zeroPoint) * scale. */
  | { readonly kind: 'zeroPoint' }
  /** Unsigned codes; a float a block is added after scaling: q * scale + offset. Planes named `offsets…`. */
  | { readonly kind: 'offset'; readonly offset: BlockValues };

/** One number a block: the scale, or the offset of an affine layout. */
export type BlockValues =
  /**
   * Plane `<name>` of the dtype; the number is the element times `multiplier` (1/127 for LLM.int8's SCB, else 1).
   * Multiplied in this order: (code * element) * multiplier.
   */
  | { readonly kind: 'plain'; readonly dtype: FloatDType | 'F8_E8M0'; readonly multiplier: number }
  /**
   * Double quantization. Plane `<name>` is U8; the number is
   * codebook[code] * `<name>Nested`[i / blockSize] + `<name>Offset`[matrix]. blockSize counts blocks and restarts at each
   * matrix. `<name>Nested` has `dtype`; `<name>Offset` is F32 [M] and absent where hasOffset is false.
   */
  | {
      readonly kind: 'nested';
      readonly codebook: Float32Array;
      readonly blockSize: number;
      readonly dtype: FloatDType;
      readonly hasOffset: boolean;
    };

export interface Layout {
  readonly bitsPerCode: 4 | 8;
  readonly order: CodeOrder;
  /** Elements that share one scale. */
  readonly blockSize: number;
  /**
   * `flat`: blocks run along the row-major elements of a matrix, across row ends, the last one may be short (bitsandbytes).
   * `row`: blocks restart at each row, the last block of a row may be short.
   * The two are the same where blockSize divides K.
   */
  readonly blocks: 'flat' | 'row';
  readonly decode: Decode;
  /** Planes named `scales…`. */
  readonly scale: BlockValues;
}

export type PlaneName =
  | 'codes'
  | 'scales'
  | 'scalesNested'
  | 'scalesOffset'
  | 'zeroPoints'
  | 'offsets'
  | 'offsetsNested'
  | 'offsetsOffset';

/** One buffer of a quantized tensor: little-endian bytes. */
export interface Plane {
  readonly dtype: DType;
  readonly data: Uint8Array;
}

export interface QuantizedTensor {
  /** The quantizer's name, e.g. `nf4`. For people and for finding the quantizer again; kernels do not read it. */
  readonly format: string;
  /** [N, K], or [M, N, K] for fused experts: the shape that the tensor has when dequantized. */
  readonly shape: readonly number[];
  /** The dtype it had before and gets back when dequantized to a file. */
  readonly dtype: FloatDType;
  /** null: no layout can describe it, only its own quantizer can decode it; the planes then have names of its choosing. */
  readonly layout: Layout | null;
  readonly planes: Readonly<Record<string, Plane>>;
}
