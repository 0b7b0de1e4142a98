// A tensor of the checkpoint, matrix by matrix: read, checked, quantized, and compared with the weights. An encoder does that
// in strips; without one, or where it has no kernel, a matrix is widened, quantized and decoded again. A fused tensor costs
// no more than its experts one by one. A tensor that is quantized already is decoded first.
//
// Shapes: M matrices, N rows, K columns.
import type { CheckpointTensor } from '@moeq/loader';
import {
  assertDecodesPlanes,
  checkedQuantize,
  decodedStrips,
  dequantize,
  encodeWith,
  type Quantizer,
} from '@moeq/quantizers';
import {
  assertFinite,
  assertQuantizedTensor,
  byteLength,
  type DType,
  type FloatDType,
  isDType,
  isFloatDType,
  isQuantized,
  type MatrixEncoder,
  MoeqError,
  type QuantizedTensor,
  type SquaredNorms,
  sliceMatrix,
  squaredNorms,
  toFloat32,
} from '@moeq/tensors';
import type { Job } from './in-order.js';

export interface QuantizedMatrix {
  /** 0 to M - 1. */
  readonly index: number;
  /** [N, K] */
  readonly tensor: QuantizedTensor;
  readonly norms: SquaredNorms;
  /** Bytes that were read. */
  readonly bytes: number;
}

/** Memory for the current matrix, used again for the next: float32 of a large one is hundreds of megabytes. */
export type FloatScratch = (length: number) => Float32Array;

export function floatScratch(): FloatScratch {
  let buffer = new Float32Array(0);
  return (length) => {
    if (buffer.length < length) buffer = new Float32Array(length);
    return buffer.subarray(0, length);
  };
}

/** What quantizing works with. */
export interface EncodingContext {
  readonly floats: FloatScratch;
  /** Kernels, where there are any. */
  readonly encoder: MatrixEncoder | undefined;
  /** The user's own, for weights that they have quantized. */
  readonly quantizers: readonly Quantizer[];
  readonly signal: AbortSignal | undefined;
}

/** Quantizes every matrix of a tensor [N, K] or [M, N, K]. A job throws a MoeqError at NaN or infinity. */
export function* matrixJobs(
  tensor: CheckpointTensor,
  quantizer: Quantizer,
  context: EncodingContext,
): Generator<Job<QuantizedMatrix>> {
  const { matrices, rows, columns } = stackShape(tensor);
  const memory = byteLength(floatDTypeOf(tensor), [rows, columns]);
  const readerOf = matrixReader(tensor, context);
  const bytes = isDType(tensor.stored) ? memory : tensor.bytes / matrices;
  for (let index = 0; index < matrices; index++) {
    const run = async () => {
      const matrix = await quantizeMatrix(tensor, index, await readerOf(index), quantizer, context);
      return { index, ...matrix, bytes };
    };
    yield { bytes: memory, run };
  }
}

async function quantizeMatrix(
  tensor: CheckpointTensor,
  index: number,
  read: MatrixReader,
  quantizer: Quantizer,
  { floats, encoder }: EncodingContext,
): Promise<Pick<QuantizedMatrix, 'tensor' | 'norms'>> {
  const { name, shape } = tensor.facts;
  const dtype = floatDTypeOf(tensor);
  const { rows, columns } = stackShape(tensor);
  if (encoder !== undefined) {
    const encoded = await encodeWith(encoder, quantizer, { dtype, shape: [rows, columns], read });
    if (encoded !== null) {
      assertQuantizedTensor(encoded.tensor, name);
      return encoded;
    }
  }
  const data = await read(0, byteLength(dtype, [rows, columns]));
  assertFinite(data, { operation: 'quantize', subject: name, shape, first: index * rows * columns }, dtype);
  const weights = toFloat32(data, dtype, floats(rows * columns));
  const quantized = checkedQuantize(quantizer, weights, [rows, columns], { name, dtype });
  assertDecodesPlanes(quantizer, quantized, () => toFloat32(data, dtype), { name, dtype });
  const norms = compare(data, dtype, quantized, quantizer, name);
  return { tensor: quantized, norms };
}

/** Bytes of one matrix, in `floatDTypeOf` its tensor. */
type MatrixReader = (offset: number, length: number, into?: Uint8Array) => Promise<Uint8Array>;

/** @returns a reader for each matrix of a tensor; of a quantized one that cannot be read in parts the whole is read once */
function matrixReader(
  tensor: CheckpointTensor,
  { quantizers, signal }: EncodingContext,
): (index: number) => Promise<MatrixReader> {
  const { facts, stored } = tensor;
  if (isDType(stored)) {
    const { rows, columns } = stackShape(tensor);
    const bytes = byteLength(floatDTypeOf(tensor), [rows, columns]);
    return async (index) => (offset, length, into) =>
      tensor.readBytes(index * bytes + offset, length, signal, into);
  }
  let whole: ReturnType<CheckpointTensor['read']> | null = null;
  const matrixOf = async (index: number) => {
    if (tensor.readMatrix !== undefined) return tensor.readMatrix(index, signal);
    whole ??= tensor.read(signal);
    return facts.shape.length === 3 ? sliceMatrix(await whole, index) : whole;
  };
  return async (index) => {
    const matrix = await matrixOf(index);
    const { buffer, byteOffset, byteLength } = isQuantized(matrix)
      ? dequantize(matrix, quantizers, facts.name)
      : matrix.data;
    const data = new Uint8Array(buffer, byteOffset, byteLength);
    return async (offset, length, into = new Uint8Array(length)) => {
      into.set(data.subarray(offset, offset + length));
      return into;
    };
  };
}

/**
 * How far the codes are from the weights [N, K] in the files: a quantizer may have written into those that it was given.
 * @param data of the weights
 */
function compare(
  data: Uint8Array,
  dtype: FloatDType,
  tensor: QuantizedTensor,
  quantizer: Quantizer,
  name: string,
): SquaredNorms {
  const size = byteLength(dtype, [1]);
  let [weights, difference] = [0, 0];
  for (const { first, values } of decodedStrips(quantizer, tensor, name)) {
    const exact = toFloat32(data.subarray(first * size, (first + values.length) * size), dtype);
    const norms = squaredNorms(exact, values);
    weights += norms.weights;
    difference += norms.difference;
  }
  return { weights, difference };
}

/** What a plain tensor is stored in. @throws MoeqError for weights in integers */
export function storedDTypeOf(tensor: CheckpointTensor): DType {
  const { facts, stored } = tensor;
  return facts.role === 'other' && isDType(stored) ? stored : floatDTypeOf(tensor);
}

/** The dtype of a plain weight; F32, which decoding gives, of one that is quantized. @throws MoeqError for integers */
export function floatDTypeOf({ facts, stored }: CheckpointTensor): FloatDType {
  if (!isDType(stored)) return 'F32';
  if (isFloatDType(stored)) return stored;
  throw new MoeqError({
    operation: 'quantize',
    subject: facts.name,
    expected: 'a checkpoint in F32, F16 or BF16',
    found: `a tensor in ${stored}`,
  });
}

/** Of a tensor [N, K] or [M, N, K]. */
export function stackShape({ facts }: CheckpointTensor): {
  matrices: number;
  rows: number;
  columns: number;
} {
  const [columns = 1, rows = 1, matrices = 1] = facts.shape.toReversed();
  return { matrices, rows, columns };
}
