// From codes to float32 by the layout alone. All arithmetic is float32, one rounding a step:
//   value = (table[code] - zero) * scale, then * multiplier, then + offset
// zero, scale and offset are the block's; a multiplier other than 1 stands last in the product, (code * SCB) * (1/127),
// which is the order of LLM.int8.
//
// Shapes: M matrices, N rows, K columns, B block. Elements are counted row-major within a matrix.
import { assertQuantizedTensor } from './assert.js';
import { type BlockReader, blockReader, planeData } from './block-values.js';
import { type DecodeRun, decodeRunOf } from './decode-run.js';
import { elementCount } from './dtype.js';
import { MoeqError } from './errors.js';
import type { BlockValues, Layout, QuantizedTensor } from './layout.js';
import { packedLength } from './pack.js';
import { blocksPerMatrix, matrixShape } from './planes.js';

const unsignedCodes = Float32Array.from({ length: 256 }, (_, code) => code);
const signedCodes = {
  4: Float32Array.from({ length: 16 }, (_, code) => (code << 28) >> 28),
  8: Float32Array.from({ length: 256 }, (_, code) => (code << 24) >> 24),
};

/** A tensor made ready: everything that does not depend on the element. */
interface Decoder {
  readonly layout: Layout;
  readonly rows: number;
  readonly columns: number;
  /** Blocks are cut at row ends, and blockSize does not divide K. */
  readonly ragged: boolean;
  readonly codes: Uint8Array;
  /** Codes from one matrix to the next, those that fill its last byte or group included. */
  readonly stride: number;
  readonly run: DecodeRun;
  /** Code -> number before zero and scale. */
  readonly table: Float32Array;
  readonly zero: BlockReader;
  readonly scale: BlockReader;
  readonly multiplier: number;
  readonly offset: BlockReader | null;
  readonly offsetMultiplier: number;
}

/** Made once for each tensor object and dropped with it. */
const decoders = new WeakMap<QuantizedTensor, Decoder>();

function decoderOf(tensor: QuantizedTensor): Decoder {
  const known = decoders.get(tensor);
  if (known !== undefined) return known;
  assertQuantizedTensor(tensor, `${tensor.format} tensor`);
  const { layout } = tensor;
  if (layout === null) {
    throw new MoeqError({
      operation: 'decode',
      subject: `${tensor.format} tensor`,
      expected: 'a layout',
      found: 'none: only its own quantizer can dequantize it',
    });
  }
  const [, rows, columns] = matrixShape(tensor.shape);
  const { bitsPerCode, order, decode } = layout;
  const blocks = blocksPerMatrix(layout, rows, columns);
  const offset = decode.kind === 'affine' && decode.zero.kind === 'offset' ? decode.zero.offset : null;
  const decoder: Decoder = {
    layout,
    rows,
    columns,
    ragged: layout.blocks === 'row' && columns % layout.blockSize !== 0,
    codes: planeData(tensor, 'codes'),
    stride: packedLength(rows * columns, bitsPerCode, order) * (8 / bitsPerCode),
    run: decodeRunOf(layout),
    table: codeTable(layout),
    zero: zeroReader(tensor, layout, blocks),
    scale: blockReader(tensor, 'scales', layout.scale, blocks),
    multiplier: multiplierOf(layout.scale),
    offset: offset === null ? null : blockReader(tensor, 'offsets', offset, blocks),
    offsetMultiplier: offset === null ? 1 : multiplierOf(offset),
  };
  decoders.set(tensor, decoder);
  return decoder;
}

function codeTable({ bitsPerCode, decode }: Layout): Float32Array {
  if (decode.kind === 'codebook') return decode.values;
  return decode.zero.kind === 'signed' ? signedCodes[bitsPerCode] : unsignedCodes;
}

function zeroReader(tensor: QuantizedTensor, { decode }: Layout, blocks: number): BlockReader {
  const zero = decode.kind === 'affine' ? decode.zero : null;
  if (zero?.kind === 'zeroPoint') {
    const zeroPoints = planeData(tensor, 'zeroPoints');
    return (matrix, block) => zeroPoints[matrix * blocks + block] as number;
  }
  const constant = zero?.kind === 'constant' ? zero.value : 0;
  return () => constant;
}

function multiplierOf(values: BlockValues): number {
  return values.kind === 'plain' ? Math.fround(values.multiplier) : 1;
}

/** Decodes elements `start` to `start + out.length` of one matrix, block after block. */
function decodeElements(decoder: Decoder, matrix: number, start: number, out: Float32Array): void {
  const { codes, table, run, multiplier, offsetMultiplier } = decoder;
  const { blockSize } = decoder.layout;
  const base = matrix * decoder.stride;
  for (let at = 0; at < out.length; ) {
    const element = start + at;
    let block = Math.floor(element / blockSize);
    let blockEnd = (block + 1) * blockSize;
    if (decoder.ragged) {
      const row = Math.floor(element / decoder.columns);
      const rowStart = row * decoder.columns;
      const inRow = Math.floor((element - rowStart) / blockSize);
      block = row * Math.ceil(decoder.columns / blockSize) + inRow;
      blockEnd = rowStart + Math.min((inRow + 1) * blockSize, decoder.columns);
    }
    const end = Math.min(out.length, blockEnd - start);
    const zero = decoder.zero(matrix, block);
    const scale = decoder.scale(matrix, block);
    run(codes, base + element, end - at, table, zero, scale, out, at);
    if (multiplier !== 1) for (let i = at; i < end; i++) out[i] = (out[i] as number) * multiplier;
    if (decoder.offset !== null) {
      const offset = Math.fround(decoder.offset(matrix, block) * offsetMultiplier);
      for (let i = at; i < end; i++) out[i] = (out[i] as number) + offset;
    }
    at = end;
  }
}

function assertRoom(tensor: QuantizedTensor, expected: number, found: number): void {
  if (expected === found) return;
  throw new MoeqError({
    operation: 'decode',
    subject: `${tensor.format} tensor`,
    expected: `${expected} elements of room`,
    found: `${found}`,
  });
}

/**
 * A whole tensor, float32, row-major, of its shape.
 * @param out written and returned when given; as many elements as the shape
 * @throws MoeqError when the tensor contradicts its layout, has none, or `out` has another length
 */
export function decodeTensor(tensor: QuantizedTensor, out?: Float32Array): Float32Array {
  const decoder = decoderOf(tensor);
  const count = elementCount(tensor.shape);
  const values = out ?? new Float32Array(count);
  assertRoom(tensor, count, values.length);
  const size = decoder.rows * decoder.columns;
  for (let matrix = 0; size > 0 && matrix < count / size; matrix++) {
    decodeElements(decoder, matrix, 0, values.subarray(matrix * size, (matrix + 1) * size));
  }
  return values;
}

/**
 * Rows `firstRow` to `firstRow + rowCount` of a matrix [N, K] into `out`, Float32 [rowCount, K], which is returned.
 * The tensor is checked the first time only: its planes may not change afterwards.
 * @throws MoeqError when the tensor contradicts its layout or has none, is no matrix, rows are not in it, or `out` has
 *   another length
 */
export function decodeRows(
  tensor: QuantizedTensor,
  firstRow: number,
  rowCount: number,
  out: Float32Array,
): Float32Array {
  const decoder = decoderOf(tensor);
  const counts = Number.isInteger(firstRow) && Number.isInteger(rowCount) && firstRow >= 0 && rowCount >= 0;
  if (tensor.shape.length !== 2 || !counts || firstRow + rowCount > decoder.rows) {
    throw new MoeqError({
      operation: `decode rows ${firstRow} to ${firstRow + rowCount}`,
      subject: `${tensor.format} tensor`,
      expected: 'a matrix that has them',
      found: `shape ${JSON.stringify(tensor.shape)}`,
    });
  }
  assertRoom(tensor, rowCount * decoder.columns, out.length);
  decodeElements(decoder, 0, firstRow * decoder.columns, out);
  return out;
}
