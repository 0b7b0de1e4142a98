// A matrix as it lies in a buffer: its planes one behind the other, each from a multiple of 16 bytes on, byte for byte as
// they came. What all matrices of one buffer have in common (codebooks, block sizes, multipliers) is its signature.
//
// Shapes: N rows, K columns, B block.
import type { MatrixData } from '@moeq/kernels';
import type { BlockValues, Layout } from '@moeq/tensors';
import { isQuantized } from '@moeq/tensors';
import type { WgslFormats } from '../wgsl/custom-format.js';
import type { MatrixKind } from '../wgsl/matrix-kind.js';
import { chunkElements, kindName, matrixKind } from '../wgsl/matrix-kind.js';
import type { Values } from '../wgsl/shader.js';
import { matrixWords } from '../wgsl/shader.js';
import type { weightFields } from '../wgsl/weight.js';

export const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;

const codes = 'codes';

/** Planes of a record in the order of a matrix descriptor. */
const planeNames = {
  scales: ['scales'],
  scalesNested: ['scalesNested'],
  scalesOffset: ['scalesOffset'],
  shifts: ['zeroPoints', 'offsets'],
  shiftsNested: ['offsetsNested'],
  shiftsOffset: ['offsetsOffset'],
} as const;

export interface MatrixRecord {
  readonly rows: number;
  readonly columns: number;
  readonly kind: MatrixKind;
  /** Equal for matrices that one dispatch can read from one buffer. */
  readonly signature: string;
  /** Tables of float32 that the kind needs: of codes, nested scales, nested offsets. */
  readonly tables: readonly (Float32Array | null)[];
  /** Numbers of the uniforms that come from the layout. */
  readonly numbers: LayoutNumbers;
  /** Planes and where they go, bytes from the beginning of the record; the codes or floats first. */
  readonly planes: readonly { readonly at: number; readonly data: Uint8Array }[];
  /** Bytes at which the planes of `planeNames` begin; 0 for those that are absent. */
  readonly offsets: readonly number[];
  /** Bytes at which the bias begins; 0: none. */
  readonly bias: number;
  /** Bytes of the record. */
  readonly bytes: number;
}

type LayoutNumbers = Pick<
  Values<typeof weightFields>,
  | 'columns'
  | 'chunks'
  | 'blockSize'
  | 'blocksPerRow'
  | 'chunksPerBlock'
  | 'scaleNested'
  | 'shiftNested'
  | 'scaleFactor'
  | 'shiftFactor'
>;

/**
 * @param addend bias of its rows
 * @throws MoeqError when no kernel can read the matrix
 */
export function matrixRecord(
  data: MatrixData,
  formats: WgslFormats,
  subject: string,
  addend?: Float32Array,
): MatrixRecord {
  const kind = matrixKind(data, formats, subject);
  const [rows = 0, columns = 0] = data.shape;
  const layout = isQuantized(data) ? data.layout : null;
  const numbers = layoutNumbers(kind, columns, layout);
  const tables = layout === null ? [null, null, null] : layoutTables(layout);
  const planes: { at: number; data: Uint8Array }[] = [];
  let bytes = 0;
  const place = (plane: Uint8Array): number => {
    const at = bytes;
    planes.push({ at, data: plane });
    bytes += align(plane.byteLength);
    return at;
  };
  const stored = storedPlanes(data, kind);
  const [first = new Uint8Array(), ...others] = stored;
  place(first ?? new Uint8Array());
  const offsets = others.map((plane) => (plane === null ? 0 : place(plane)));
  const bias =
    addend === undefined ? 0 : place(new Uint8Array(addend.buffer, addend.byteOffset, addend.byteLength));
  const signature = JSON.stringify([
    kindName(kind),
    numbers,
    tables.map((table) => table && Array.from(table)),
  ]);
  return { rows, columns, kind, signature, tables, numbers, planes, offsets, bias, bytes };
}

/** The codes or floats, then a plane for each place of a descriptor. */
function storedPlanes(data: MatrixData, kind: MatrixKind): (Uint8Array | null)[] {
  if (!isQuantized(data)) return [data.data];
  const plane = (name: string | undefined): Uint8Array | null =>
    name === undefined ? null : (data.planes[name]?.data ?? null);
  if (kind.kind === 'custom') return kind.format.planes.map(plane);
  const others = Object.values(planeNames).map((names) =>
    names.find((each) => data.planes[each] !== undefined),
  );
  return [codes, ...others].map(plane);
}

function layoutNumbers(kind: MatrixKind, columns: number, layout: Layout | null): LayoutNumbers {
  const chunk = chunkElements(kind);
  const blockSize = layout?.blockSize ?? columns;
  const shift =
    layout?.decode.kind === 'affine' && layout.decode.zero.kind === 'offset'
      ? layout.decode.zero.offset
      : null;
  const nested = (values: BlockValues | null | undefined): number =>
    values?.kind === 'nested' ? values.blockSize : 1;
  const factor = (values: BlockValues | null | undefined): number =>
    values?.kind === 'plain' ? values.multiplier : 1;
  return {
    columns,
    chunks: kind.fast ? columns / chunk : 0,
    blockSize,
    blocksPerRow: Math.ceil(columns / blockSize),
    chunksPerBlock: Math.ceil(blockSize / chunk),
    scaleNested: nested(layout?.scale),
    shiftNested: nested(shift),
    scaleFactor: factor(layout?.scale),
    shiftFactor: factor(shift),
  };
}

function layoutTables({ decode, scale }: Layout): (Float32Array | null)[] {
  const shift = decode.kind === 'affine' && decode.zero.kind === 'offset' ? decode.zero.offset : null;
  return [
    decode.kind === 'codebook' ? decode.values : null,
    scale.kind === 'nested' ? scale.codebook : null,
    shift?.kind === 'nested' ? shift.codebook : null,
  ];
}

/** Rows after which a matrix can be cut, so that no byte, block or nested block is in two parts. */
export function rowQuantum(data: MatrixData): number {
  if (!isQuantized(data)) return 1;
  if (data.layout === null) return data.shape[0] as number;
  const columns = data.shape[1] as number;
  const { bitsPerCode, order, blockSize, blocks, decode, scale } = data.layout;
  const shift = decode.kind === 'affine' && decode.zero.kind === 'offset' ? decode.zero.offset : null;
  const nested = [scale, shift].map((values) => (values?.kind === 'nested' ? values.blockSize : 1));
  const codes = bitsPerCode === 8 ? 1 : order === 'splitHalves' ? 32 : 2;
  const inBlocks = nested.map((each) =>
    blocks === 'flat'
      ? rowsOfWhole(columns, blockSize * each)
      : rowsOfWhole(Math.ceil(columns / blockSize), each),
  );
  return [rowsOfWhole(columns, codes), ...inBlocks].reduce(leastCommonMultiple);
}

/** Rows of `perRow` units that are whole groups of `size` units. */
function rowsOfWhole(perRow: number, size: number): number {
  return size / greatestCommonDivisor(perRow, size);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

/** Words of a matrix descriptor, all but the first tile; units of 16 bytes. */
export function descriptor(
  record: MatrixRecord,
  firstRow: number,
  base: number,
  stride: number,
): Uint32Array {
  const words = new Uint32Array(matrixWords);
  words.set([record.rows, firstRow, 0, base / 16, stride / 16, ...record.offsets.map((at) => at / 16)]);
  words[matrixWords - 1] = record.bias / 16;
  return words;
}
