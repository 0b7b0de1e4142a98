// Puts a matrix into the heaps of all threads: each gets the rows that it computes, and the planes of their blocks, cut
// from the tensor. They stay as they are, but for 4-bit codes that have a kernel: interleave.ts. Records point to where
// element, block or nested block 0 of the whole tensor would be, and to the first of interleaved codes.
//
// Shapes: N rows, K columns, B block.
import type { MatrixData } from '@moeq/kernels';
import type { BlockValues, Layout, QuantizedTensor } from '@moeq/tensors';
import { blocksPerMatrix, bytesPerElement, isQuantized, toFloat32 } from '@moeq/tensors';
import type { KernelChoice } from './fit-kernel.js';
import { chooseKernel, isInterleaved } from './fit-kernel.js';
import { interleavedBytes, interleaveRows } from './interleave.js';
import type { ActivationForm, Field } from './matrix-record.js';
import {
  blockKinds,
  encodeRecord,
  kernels,
  orders,
  recordBytes,
  scaleOrders,
  shifts,
} from './matrix-record.js';
import { shareStart } from './share.js';
import type { Store } from './store.js';

/** How activations have to come: float32 as they are, or integers in units. */
export interface Intake {
  readonly form: ActivationForm;
  /** 0: float32. */
  readonly unit: 0 | 32 | 64;
  /** Of the 4-bit codes that they meet: `orders`. */
  readonly order: number;
}

/** A matrix in the heaps. */
export interface LoadedMatrix {
  /** Of its record, the same in every heap. */
  readonly record: number;
  readonly rows: number;
  readonly columns: number;
  readonly bytes: number;
  readonly intake: Intake;
  /** Every thread has all rows: of a small matrix, which is sooner multiplied than exchanged. */
  readonly everywhere: boolean;
}

/** Elements of a float matrix that every thread has: a thread multiplies them in the time that a meeting of all takes. */
const smallMatrix = 2 ** 15;

/** A part of a plane that one thread needs. */
interface Cut {
  readonly data: Uint8Array;
  /** The field of the record that points to it. */
  readonly field: Field;
  /** Where the plane would begin, in bytes before `data`. */
  readonly bias: number;
  /** Of what is to be interleaved: bytes of a row, and of an element. */
  readonly rows?: { readonly bytes: number; readonly size: number };
}

type Fields = Partial<Record<Field, number>>;

interface LoadOptions {
  /** Rows of the tensor to load; all unless given. */
  readonly range?: { readonly first: number; readonly count: number };
  /** Whether the reader does without a meeting of threads where every one has all rows. MLPs meet in any case. */
  readonly everywhereIfSmall?: boolean;
}

/** @throws MoeqError when memory is short */
export function loadMatrix(
  store: Store,
  data: MatrixData,
  { range = { first: 0, count: data.shape[0] as number }, everywhereIfSmall = false }: LoadOptions = {},
): LoadedMatrix {
  const columns = data.shape[1] as number;
  const choice = chooseKernel(data);
  const { threads } = store;
  store.useColumns(columns);
  const small = choice.unit === 0 && range.count * columns <= smallMatrix;
  const everywhere = everywhereIfSmall && small && threads > 1;
  const shares = Array.from({ length: threads }, (_, thread) => {
    if (everywhere) return { first: range.first, end: range.first + range.count };
    const first = range.first + shareStart(range.count, thread, threads);
    return { first, end: range.first + shareStart(range.count, thread + 1, threads) };
  });
  const cuts = shares.map(({ first, end }) => cutPlanes(data, choice, first, end));
  const room = Math.max(...cuts.map((each) => each.reduce((sum, cut) => sum + padded(bytesOf(cut)), 0)));
  const record = store.allocate(padded(recordBytes) + room, 'weights');
  const common = commonFields(store, data, choice);
  let bytes = 0;
  shares.forEach(({ first, end }, thread) => {
    const fields: Fields = { ...common, firstRow: first, rows: end - first };
    let address = record + padded(recordBytes);
    for (const cut of cuts[thread] as Cut[]) {
      write(store, thread, address, cut);
      fields[cut.field] = address - cut.bias + 2 ** 32;
      address += padded(bytesOf(cut));
      bytes += bytesOf(cut);
    }
    store.write(thread, record, encodeRecord(fields));
  });
  return { record, rows: range.count, columns, bytes, intake: intakeOf(data, choice), everywhere };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** In the heap. */
function bytesOf({ data, rows }: Cut): number {
  return rows === undefined ? data.byteLength : interleavedBytes(data.byteLength / rows.bytes, rows.bytes);
}

function write(store: Store, thread: number, address: number, cut: Cut): void {
  if (cut.rows === undefined) {
    store.write(thread, address, cut.data);
    return;
  }
  const interleaved = store.hostBuffer(bytesOf(cut));
  interleaveRows(cut.data, cut.rows.bytes, cut.rows.size, interleaved);
  store.write(thread, address, interleaved);
}

function intakeOf(data: MatrixData, { kernel, unit }: KernelChoice): Intake {
  if (unit === 0 || !isQuantized(data) || data.layout === null) return { form: 'float', unit: 0, order: 0 };
  if (!isInterleaved(kernel)) return { form: 'plain', unit, order: 0 };
  return { form: kernel === 'affine4' ? 'bytes' : 'pairs', unit, order: orders[data.layout.order] };
}

/** What does not depend on the thread. */
function commonFields(store: Store, data: MatrixData, choice: KernelChoice): Fields {
  const [rows = 0, columns = 0] = data.shape;
  const { kernel, unit, levelStep, levelOffset, levels, scales } = choice;
  const fields: Fields = { kernel: kernels[kernel], columns, unit, units: unit === 0 ? 0 : columns / unit };
  if (!isQuantized(data) || data.layout === null) return fields;
  const { layout } = data;
  const { decode, scale, blockSize, blocks, bitsPerCode, order } = layout;
  const zero = decode.kind === 'affine' ? decode.zero : null;
  return {
    ...fields,
    blockSize,
    blocksPerRow: blocks === 'row' ? blocksPerMatrix(layout, rows, columns) / rows : 0,
    scaleOrder: scaleOrders[scales],
    shift:
      shifts[zero?.kind === 'zeroPoint' ? 'zeroPoints' : zero?.kind === 'offset' ? 'offsets' : 'constant'],
    levelStep,
    levelOffset,
    levels: store.table(levels),
    values: store.table(codeNumbers(layout)),
    bits: bitsPerCode,
    order: orders[order],
    ...blockFields(store, data, 'scale', scale),
    ...(zero?.kind === 'offset' && blockFields(store, data, 'offset', zero.offset)),
  };
}

/** Float32 [2^bits]: codes to numbers, before zero points. */
function codeNumbers({ bitsPerCode, decode }: Layout): Float32Array {
  if (decode.kind === 'codebook') return decode.values;
  const count = 2 ** bitsPerCode;
  const { zero } = decode;
  return Float32Array.from({ length: count }, (_, code) => {
    if (zero.kind === 'signed') return code < count / 2 ? code : code - count;
    return zero.kind === 'constant' ? code - zero.value : code;
  });
}

function blockFields(
  store: Store,
  tensor: QuantizedTensor,
  name: 'scale' | 'offset',
  values: BlockValues,
): Fields {
  if (values.kind === 'plain') {
    return { [`${name}Kind`]: blockKinds[values.dtype], [`${name}Multiplier`]: values.multiplier };
  }
  const offset = values.hasOffset ? toFloat32(planeOf(tensor, `${name}sOffset`), 'F32')[0] : 0;
  const shift = Math.log2(values.blockSize);
  return {
    [`${name}Kind`]: blockKinds.nested,
    [`${name}Table`]: store.table(values.codebook),
    [`${name}NestedSize`]: values.blockSize,
    [`${name}NestedShift`]: Number.isInteger(shift) ? shift : 32,
    [`${name}Multiplier`]: 1,
    [`${name}Offset`]: offset ?? 0,
  };
}

/** The planes' bytes that rows `first` to `end` need. */
function cutPlanes(data: MatrixData, { kernel, scales }: KernelChoice, first: number, end: number): Cut[] {
  const [rows = 0, columns = 0] = data.shape;
  if (!isQuantized(data) || data.layout === null) {
    const rowBytes = columns * bytesPerElement((data as { dtype: 'F32' | 'F16' | 'BF16' }).dtype);
    const bytes = (data as { data: Uint8Array }).data;
    return [cut(bytes, first * rowBytes, end * rowBytes, 'codes')];
  }
  const { layout } = data;
  const { blockSize, bitsPerCode, decode, scale } = layout;
  const [from, to] = [first * columns, end * columns];
  const perRow = blocksPerMatrix(layout, rows, columns) / rows;
  const block =
    layout.blocks === 'row'
      ? { first: first * perRow, end: end * perRow }
      : { first: Math.floor(from / blockSize), end: Math.ceil(to / blockSize) };
  const plane = planeOf(data, 'codes');
  const codes = isInterleaved(kernel)
    ? interleaved(cut(plane, from / 2, to / 2, 'codes'), columns / 2, 4)
    : bitsPerCode === 8
      ? cut(plane, from, to, 'codes')
      : cut(plane, 16 * Math.floor(from / 32), 16 * Math.ceil(to / 32), 'codes');
  const zero = decode.kind === 'affine' ? decode.zero : null;
  const [scaleCut, ...nested] = cutBlocks(data, 'scale', scale, block) as [Cut, ...Cut[]];
  const scaleSize = bytesOfBlock(scale);
  return [
    codes,
    scales === 'together' ? interleaved(scaleCut, perRow * scaleSize, scaleSize) : scaleCut,
    ...nested,
    ...(zero?.kind === 'zeroPoint'
      ? [cut(planeOf(data, 'zeroPoints'), block.first, block.end, 'zeroPoints')]
      : []),
    ...(zero?.kind === 'offset' ? cutBlocks(data, 'offset', zero.offset, block) : []),
  ];
}

/** Nested scales, one for hundreds of weights, are held as float32; what they scale stays as it is. */
function cutBlocks(
  tensor: QuantizedTensor,
  name: 'scale' | 'offset',
  values: BlockValues,
  block: { first: number; end: number },
): Cut[] {
  const size = bytesOfBlock(values);
  const blocks = cut(planeOf(tensor, `${name}s`), block.first * size, block.end * size, `${name}Data`);
  if (values.kind === 'plain') return [blocks];
  const nested = toFloat32(planeOf(tensor, `${name}sNested`), values.dtype);
  const bytes = new Uint8Array(nested.buffer, nested.byteOffset, nested.byteLength);
  const start = 4 * Math.floor(block.first / values.blockSize);
  const stop = 4 * Math.ceil(block.end / values.blockSize);
  return [blocks, cut(bytes, start, stop, `${name}Nested`)];
}

function bytesOfBlock(values: BlockValues): number {
  return values.kind === 'nested' ? 1 : bytesPerElement(values.dtype);
}

function planeOf(tensor: QuantizedTensor, name: string): Uint8Array {
  return tensor.planes[name]?.data ?? new Uint8Array(0);
}

function cut(data: Uint8Array, from: number, to: number, field: Field): Cut {
  return { data: data.subarray(from, to), field, bias: from };
}

function interleaved(plain: Cut, bytes: number, size: number): Cut {
  return { ...plain, bias: 0, rows: { bytes, size } };
}
