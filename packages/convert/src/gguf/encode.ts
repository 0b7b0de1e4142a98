// The bytes of a tensor of a GGUF file, strip by strip: rows of the checkpoint as float32, in order, as the type has them.
//
// Shapes: N rows, K columns.
import type { GgufRowOrder } from '@moeq/loader';
import { dequantize, type Quantizer } from '@moeq/quantizers';
import {
  assertFinite,
  byteLength,
  decodeRows,
  decodeTensor,
  findNonFinite,
  fromFloat32,
  type GgufType,
  isDType,
  isFloatDType,
  isQuantized,
  MoeqError,
  type QuantizedTensor,
  quantizeGguf,
  quote,
  type SquaredNorms,
  sliceMatrix,
  sliceRows,
  squaredNorms,
  type Tensor,
  toFloat32,
  toGgufBlocks,
} from '@moeq/tensors';
import type { MatrixSource, PlannedGgufTensor } from './plan.js';

/** Elements of a strip: 16 MiB of float32. An embedding table of a large vocabulary is gigabytes. */
const stripElements = 2 ** 22;

export interface Strip {
  /** Index of the matrix in the planned tensor. */
  readonly matrix: number;
  readonly data: Uint8Array;
  readonly norms: SquaredNorms;
  /** Share of the matrix, 0 to 1. */
  readonly share: number;
}

/** @throws MoeqError at a weight that is not finite, or beyond what the type holds */
export async function* encodeGguf(
  { name, type, shape, matrices, order, value }: PlannedGgufTensor,
  quantizers: readonly Quantizer[],
  signal?: AbortSignal,
): AsyncGenerator<Strip> {
  for (const [matrix, source] of matrices.entries()) {
    if (type.name === 'MXFP4') {
      yield { matrix, ...(await mxfp4Blocks(source, type, signal)), share: 1 };
      signal?.throwIfAborted();
      continue;
    }
    const { rows, columns, transposed = false } = source;
    const read = await rowReader(source, quantizers, signal);
    const inStrips = order === null && !transposed;
    const strip = inStrips ? Math.max(1, Math.floor(stripElements / Math.max(columns, 1))) : rows;
    for (let first = 0; first < rows; first += strip) {
      const count = Math.min(strip, rows - first);
      const values = await read(first, count);
      const { name: subject } = source.tensor.facts;
      assertFinite(values, { operation: 'write as GGUF', subject, first: first * columns });
      const own = value === null ? values : values.map(value);
      const ordered = order === null ? own : reordered(own, shape.length === 1 ? 1 : columns, order);
      const turned = transposed ? transpose(ordered, columns) : ordered;
      const { data, decoded } = encode(type, turned, transposed ? [columns, count] : [count, columns], name);
      yield { matrix, data, norms: squaredNorms(turned, decoded), share: count / rows };
      signal?.throwIfAborted();
    }
  }
}

/** The blocks of a matrix that is MXFP4 in the checkpoint, its codes and scales as they are. */
async function mxfp4Blocks(
  { tensor, matrix, firstRow, rows }: MatrixSource,
  type: GgufType,
  signal?: AbortSignal,
): Promise<Pick<Strip, 'data' | 'norms'>> {
  const { content } = type;
  const own =
    matrix !== undefined && tensor.readMatrix !== undefined
      ? await tensor.readMatrix(matrix, signal)
      : await wholeMatrix(tensor, matrix, signal);
  if (!isQuantized(own) || typeof content === 'string')
    throw new Error(`${tensor.facts.name} is not in blocks of ${type.name}`);
  const { planes, ...rest } = sliceRows(own, firstRow, rows);
  const { format, layout } = content;
  const data = planes['codes']?.data ?? new Uint8Array(0);
  const codes = { dtype: 'U8', data: own.layout?.order === 'lowFirst' ? halves(data) : data } as const;
  const quantized: QuantizedTensor = { ...rest, format, layout, planes: { ...planes, codes } };
  const values = decodeTensor(quantized);
  return { data: toGgufBlocks(type, quantized), norms: squaredNorms(values, values) };
}

async function wholeMatrix(
  tensor: MatrixSource['tensor'],
  matrix: number | undefined,
  signal?: AbortSignal,
): Promise<Tensor | QuantizedTensor> {
  const whole = await tensor.read(signal);
  return matrix === undefined ? whole : sliceMatrix(whole, matrix);
}

/** Codes 2i and 2i + 1 of a byte to those of ggml, whose byte i of a block has codes i and i + 16. */
function halves(pairs: Uint8Array): Uint8Array {
  const out = new Uint8Array(pairs.length);
  for (let block = 0; block < pairs.length; block += 16) {
    for (let code = 0; code < 16; code++) {
      const low = (pairs[block + (code >> 1)] as number) >>> (4 * (code & 1));
      const high = (pairs[block + 8 + (code >> 1)] as number) >>> (4 * (code & 1));
      out[block + code] = (low & 15) | ((high & 15) << 4);
    }
  }
  return out;
}

/** Float32 [count, K] of rows from `first` on. */
type RowReader = (first: number, count: number) => Promise<Float32Array>;

async function rowReader(
  { tensor, matrix, allRows, firstRow, columns }: MatrixSource,
  quantizers: readonly Quantizer[],
  signal?: AbortSignal,
): Promise<RowReader> {
  const { stored, facts } = tensor;
  if (isDType(stored) && isFloatDType(stored)) {
    const row = byteLength(stored, [columns]);
    const start = (matrix ?? 0) * allRows + firstRow;
    return async (first, count) =>
      toFloat32(await tensor.readBytes((start + first) * row, count * row, signal), stored);
  }
  const whole = await tensor.read(signal);
  const own = matrix === undefined ? whole : sliceMatrix(whole, matrix);
  if (!isQuantized(own)) return async () => toFloat32(own.data, own.dtype);
  if (own.layout !== null) {
    return async (first, count) =>
      decodeRows(own, firstRow + first, count, new Float32Array(count * columns));
  }
  const values = dequantize(own, quantizers, facts.name);
  return async (first, count) =>
    values.subarray((firstRow + first) * columns, (firstRow + first + count) * columns);
}

function reordered(values: Float32Array, row: number, { run, inCheckpoint }: GgufRowOrder): Float32Array {
  const size = run ?? row;
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length / size; at++) {
    const from = inCheckpoint(at) * size;
    out.set(values.subarray(from, from + size), at * size);
  }
  return out;
}

/** [K, N] of [N, K]. */
function transpose(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  return values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)] as number);
}

function encode(
  type: GgufType,
  values: Float32Array,
  shape: readonly number[],
  name: string,
): { data: Uint8Array; decoded: Float32Array } {
  if (typeof type.content !== 'string') {
    const tensor = quantizeGguf(type, values, shape);
    return { data: toGgufBlocks(type, tensor), decoded: decodeTensor(tensor) };
  }
  const data = fromFloat32(values, type.content);
  const decoded = toFloat32(data, type.content);
  const beyond = findNonFinite(data, type.content);
  if (beyond >= 0) {
    throw new MoeqError({
      operation: 'write as GGUF',
      subject: `tensor ${quote(name)}`,
      expected: `weights within ${type.name}`,
      found: `${values[beyond]}`,
    });
  }
  return { data, decoded };
}
