// From codes to float32 by the layout alone. All arithmetic is float32, one rounding a step:
//   codebook, signed, constant   (table[code] - zero) * scale
//   zeroPoint                    (code - zeroPoint[block]) * scale
//   offset                       (code * scale) + offset[block]
// where scale is the block's; a multiplier other than 1 is applied last: (code * SCB) * (1/127), the order of LLM.int8.
//
// Shapes: M matrices, N rows, K columns, B block. Elements are counted row-major within a matrix.
import { assertQuantizedTensor } from './assert.js';
import { type BlockReader, blockReader, planeData } from './block-values.js';
import { elementCount } from './dtype.js';
import { MoeqError } from './errors.js';
import type { BlockValues, Layout, QuantizedTensor } from './layout.js';
import { packedLength, unpackRange } from './pack.js';
import { blocksPerMatrix, matrixShape } from './planes.js';

/** Elements that are decoded at a time: 4 KiB of codes and at most three times 16 KiB of numbers stay in the cache. */
const chunk = 4096;

const scratch = {
  codes: new Uint8Array(chunk),
  scales: new Float32Array(chunk),
  shifts: new Float32Array(chunk),
};

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
  /** Bytes of one matrix's codes. */
  readonly stride: number;
  /** Code -> number before zero point and scale. */
  readonly table: Float32Array;
  readonly scales: BlockReader;
  readonly multiplier: number;
  /** What is subtracted before the scale, or added after it; null: nothing a block. */
  readonly zeroPoints: BlockReader | null;
  readonly offsets: BlockReader | null;
  readonly offsetMultiplier: number;
}

/** Made once for each tensor object and dropped with it. */
const decoders = new WeakMap<QuantizedTensor, Decoder>();

function decoderOf(tensor: QuantizedTensor): Decoder {
  const known = decoders.get(tensor);
  if (known !== undefined) return known;
  assertQuantizedTensor(tensor, tensor.format);
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
  const blocks = blocksPerMatrix(layout, rows, columns);
  const zero = layout.decode.kind === 'affine' ? layout.decode.zero : null;
  const zeroPoints = planeData(tensor, 'zeroPoints');
  const decoder: Decoder = {
    layout,
    rows,
    columns,
    ragged: layout.blocks === 'row' && columns % layout.blockSize !== 0,
    codes: planeData(tensor, 'codes'),
    stride: packedLength(rows * columns, layout.bitsPerCode, layout.order),
    table: codeTable(layout),
    scales: blockReader(tensor, 'scales', layout.scale, blocks),
    multiplier: multiplierOf(layout.scale),
    zeroPoints:
      zero?.kind === 'zeroPoint'
        ? (matrix, first, out) =>
            out.set(zeroPoints.subarray(matrix * blocks + first).subarray(0, out.length))
        : null,
    offsets: zero?.kind === 'offset' ? blockReader(tensor, 'offsets', zero.offset, blocks) : null,
    offsetMultiplier: zero?.kind === 'offset' ? multiplierOf(zero.offset) : 1,
  };
  decoders.set(tensor, decoder);
  return decoder;
}

function codeTable({ bitsPerCode, decode }: Layout): Float32Array {
  if (decode.kind === 'codebook') return decode.values;
  if (decode.zero.kind === 'signed') return signedCodes[bitsPerCode];
  if (decode.zero.kind !== 'constant') return unsignedCodes;
  const zero = decode.zero.value;
  return unsignedCodes.map((code) => code - zero);
}

function multiplierOf(values: BlockValues): number {
  return values.kind === 'plain' ? Math.fround(values.multiplier) : 1;
}

/** Decodes elements `start` to `start + out.length` of one matrix. */
function decodeElements(decoder: Decoder, matrix: number, start: number, out: Float32Array): void {
  const codes = decoder.codes.subarray(matrix * decoder.stride);
  const { bitsPerCode, order } = decoder.layout;
  for (let done = 0; done < out.length; done += chunk) {
    const part = out.subarray(done, done + chunk);
    unpackRange(codes, start + done, part.length, bitsPerCode, order, scratch.codes);
    decodeChunk(decoder, matrix, start + done, part);
  }
}

/** Block of an element, and the element after the last one of that block. */
function blockAt({ layout, columns, ragged }: Decoder, element: number): { block: number; end: number } {
  const { blockSize } = layout;
  if (!ragged) {
    const block = Math.floor(element / blockSize);
    return { block, end: (block + 1) * blockSize };
  }
  const row = Math.floor(element / columns);
  const inRow = Math.floor((element - row * columns) / blockSize);
  return {
    block: row * Math.ceil(columns / blockSize) + inRow,
    end: row * columns + Math.min((inRow + 1) * blockSize, columns),
  };
}

/** `scratch.codes` holds the codes of the elements from `start` on. */
function decodeChunk(decoder: Decoder, matrix: number, start: number, out: Float32Array): void {
  const first = blockAt(decoder, start).block;
  const count = blockAt(decoder, start + out.length - 1).block - first + 1;
  const scales = scratch.scales.subarray(0, count);
  decoder.scales(matrix, first, scales);
  const shiftReader = decoder.zeroPoints ?? decoder.offsets;
  const shifts = scratch.shifts.subarray(0, count);
  shiftReader?.(matrix, first, shifts);

  const { table, multiplier } = decoder;
  for (let block = 0, i = 0; block < count; block++) {
    const end = Math.min(out.length, blockAt(decoder, start + i).end - start);
    const scale = scales[block] as number;
    const shift = shifts[block] as number;
    if (decoder.zeroPoints !== null) zeroPointRun(table, scale, shift, i, end, out);
    else codebookRun(table, scale, i, end, out);
    if (multiplier !== 1) for (let at = i; at < end; at++) out[at] = (out[at] as number) * multiplier;
    if (decoder.offsets !== null) addRun(Math.fround(shift * decoder.offsetMultiplier), i, end, out);
    i = end;
  }
}

function codebookRun(table: Float32Array, scale: number, from: number, to: number, out: Float32Array): void {
  const { codes } = scratch;
  for (let i = from; i < to; i++) out[i] = (table[codes[i] as number] as number) * scale;
}

function zeroPointRun(
  table: Float32Array,
  scale: number,
  zero: number,
  from: number,
  to: number,
  out: Float32Array,
): void {
  const { codes } = scratch;
  for (let i = from; i < to; i++) out[i] = ((table[codes[i] as number] as number) - zero) * scale;
}

function addRun(offset: number, from: number, to: number, out: Float32Array): void {
  for (let i = from; i < to; i++) out[i] = (out[i] as number) + offset;
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
  if (tensor.shape.length !== 2 || !(firstRow >= 0 && firstRow + rowCount <= decoder.rows)) {
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
