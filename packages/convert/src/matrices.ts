// A tensor of the checkpoint, matrix by matrix: read, checked, quantized, and compared with the weights. An encoder does that
// in strips; without one, or where it has no kernel, a matrix is widened, quantized and decoded again. A fused tensor costs
// no more than its experts one by one.
//
// Shapes: M matrices, N rows, K columns.
import type { CheckpointTensor } from '@moeq/loader';
import {
  assertDecodesPlanes,
  checkedQuantize,
  decodedStrips,
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
  type MatrixEncoder,
  MoeqError,
  type QuantizedTensor,
  type SquaredNorms,
  toFloat32,
} from '@moeq/tensors';
import type { Job } from './in-order.js';
import { squaredNorms } from './squared-norms.js';

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
  readonly signal: AbortSignal | undefined;
}

/** Quantizes every matrix of a plain tensor [N, K] or [M, N, K]. A job throws a MoeqError at NaN or infinity. */
export function* matrixJobs(
  tensor: CheckpointTensor,
  quantizer: Quantizer,
  context: EncodingContext,
): Generator<Job<QuantizedMatrix>> {
  const { matrices, rows, columns } = stackShape(tensor);
  const bytes = byteLength(floatDTypeOf(tensor), [rows, columns]);
  for (let index = 0; index < matrices; index++) {
    yield { bytes, run: () => quantizeMatrix(tensor, index, quantizer, context) };
  }
}

async function quantizeMatrix(
  tensor: CheckpointTensor,
  index: number,
  quantizer: Quantizer,
  { floats, encoder, signal }: EncodingContext,
): Promise<QuantizedMatrix> {
  const { name, shape } = tensor.facts;
  const dtype = floatDTypeOf(tensor);
  const { rows, columns } = stackShape(tensor);
  const bytes = byteLength(dtype, [rows, columns]);
  if (encoder !== undefined) {
    const read = (offset: number, length: number, into: Uint8Array) =>
      tensor.readBytes(index * bytes + offset, length, signal, into);
    const encoded = await encodeWith(encoder, quantizer, { dtype, shape: [rows, columns], read });
    if (encoded !== null) {
      assertQuantizedTensor(encoded.tensor, name);
      return { index, ...encoded, bytes };
    }
  }
  const data = await tensor.readBytes(index * bytes, bytes, signal);
  assertFinite(data, { operation: 'quantize', subject: name, shape, first: index * rows * columns }, dtype);
  const weights = toFloat32(data, dtype, floats(rows * columns));
  const quantized = checkedQuantize(quantizer, weights, [rows, columns], { name, dtype });
  assertDecodesPlanes(quantizer, quantized, () => toFloat32(data, dtype), { name, dtype });
  const norms = compare(data, dtype, quantized, quantizer, name);
  return { index, tensor: quantized, norms, bytes };
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

/** Bytes of a kept tensor that are in memory at a time: enough for the disk to be fast, few enough to be nothing. */
const pieceBytes = 16 * 2 ** 20;

/**
 * The bytes of a plain tensor in pieces. A job throws a MoeqError at a weight that is NaN or infinite; what stands beside
 * the decoder may hold either, as masks do.
 */
export function* pieceJobs(
  tensor: CheckpointTensor,
  signal: AbortSignal | undefined,
): Generator<Job<Uint8Array>> {
  const dtype = tensor.facts.role === 'other' ? null : floatDTypeOf(tensor);
  const { inFiles = tensor } = tensor;
  for (let offset = 0; offset < tensor.bytes; offset += pieceBytes) {
    const bytes = Math.min(pieceBytes, tensor.bytes - offset);
    const run = async () => {
      const piece = await inFiles.readBytes(offset, bytes, signal);
      if (dtype !== null) {
        const first = offset / byteLength(dtype, [1]);
        const { name } = tensor.facts;
        const { shape = tensor.facts.shape } = tensor.inFiles ?? {};
        assertFinite(piece, { operation: 'quantize', subject: name, shape, first }, dtype);
      }
      return piece;
    };
    yield { bytes, run };
  }
}

/** What a tensor of a plain checkpoint is stored in. @throws MoeqError for a weight that is quantized already */
export function storedDTypeOf(tensor: CheckpointTensor): DType {
  const { facts, stored } = tensor;
  return facts.role === 'other' && isDType(stored) ? stored : floatDTypeOf(tensor);
}

/** The dtype of a plain weight. @throws MoeqError when it is quantized already */
export function floatDTypeOf({ facts, stored }: CheckpointTensor): FloatDType {
  if (isDType(stored) && isFloatDType(stored)) return stored;
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
