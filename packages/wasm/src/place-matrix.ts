// Which bytes of a matrix each thread's heap holds: arithmetic on its head, so that it is known before a weight is read what a
// model takes, and the same when it is loaded.
//
// Shapes: N rows, K columns.
import type { MatrixHead } from '@moeq/kernels';
import {
  type BlockValues,
  blocksPerMatrix,
  bytesPerElement,
  type Layout,
  type PlaneName,
  planeSpecs,
} from '@moeq/tensors';
import type { matrixRecord } from './abi/records.js';
import { isInterleaved, type KernelChoice } from './fit-kernel.js';
import { interleavedBytes } from './interleave.js';
import { shareStart } from './share.js';

/** A field that points to a plane. */
type Field = {
  [Name in keyof typeof matrixRecord]: (typeof matrixRecord)[Name] extends 'address' ? Name : never;
}[keyof typeof matrixRecord];

/** A part of a plane that one thread needs: bytes `from` to `to`, of nested scales and offsets as float32. */
export interface Cut {
  /** `data` of a plain matrix. */
  readonly plane: PlaneName | 'data';
  /** The field of the record that points to it. */
  readonly field: Field;
  readonly from: number;
  readonly to: number;
  /** Where the plane would begin, in bytes before the cut. */
  readonly bias: number;
  /** Of what is to be interleaved: bytes of a row, and of an element. */
  readonly rows?: { readonly bytes: number; readonly size: number };
}

/** Rows of a matrix. */
export interface RowRange {
  readonly first: number;
  readonly count: number;
}

/** Where a matrix goes. */
export interface Placement {
  /** Rows of each thread. */
  readonly shares: readonly { readonly first: number; readonly end: number }[];
  /** Every thread has all rows. */
  readonly everywhere: boolean;
  /** Of each thread. */
  readonly cuts: readonly (readonly Cut[])[];
  /** Bytes that are set aside for them in every heap, the most that one needs. */
  readonly room: number;
}

/** Elements of a float matrix that every thread has: a thread multiplies them in the time that a barrier takes. */
const smallMatrix = 2 ** 15;

/**
 * @param everywhereIfSmall whether the reader needs no barrier where every thread has all rows
 * @param together rows that one thread has together, which divide all
 */
export function placeMatrix(
  head: MatrixHead,
  choice: KernelChoice,
  threads: number,
  range: RowRange,
  everywhereIfSmall: boolean,
  together = 1,
): Placement {
  const columns = head.shape[1] as number;
  const small = choice.unit === 0 && range.count * columns <= smallMatrix;
  const everywhere = everywhereIfSmall && small && threads > 1;
  const shares = Array.from({ length: threads }, (_, thread) => {
    if (everywhere) return { first: range.first, end: range.first + range.count };
    const startOf = (index: number): number =>
      range.first + together * shareStart(range.count / together, index, threads);
    return { first: startOf(thread), end: startOf(thread + 1) };
  });
  const cuts = shares.map(({ first, end }) => cutPlanes(head, choice, first, end));
  const room = Math.max(...cuts.map((each) => each.reduce((sum, cut) => sum + padded(cutBytes(cut)), 0)));
  return { shares, everywhere, cuts, room };
}

export function padded(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Of a cut, in the heap. */
export function cutBytes({ from, to, rows }: Cut): number {
  return rows === undefined ? to - from : interleavedBytes((to - from) / rows.bytes, rows.bytes);
}

/** The nested values whose plane this is, which the heap holds as float32; null for other planes. */
export function nestedValuesOf(
  layout: Layout | null,
  plane: string,
): Extract<BlockValues, { readonly kind: 'nested' }> | null {
  const zero = layout?.decode.kind === 'affine' ? layout.decode.zero : null;
  const values =
    plane === 'scalesNested'
      ? layout?.scale
      : plane === 'offsetsNested' && zero?.kind === 'offset'
        ? zero.offset
        : null;
  return values?.kind === 'nested' ? values : null;
}

/** The planes' bytes that rows `first` to `end` need. */
function cutPlanes(head: MatrixHead, { kernel, scales }: KernelChoice, first: number, end: number): Cut[] {
  const { shape, dtype, layout } = head;
  const [rows = 0, columns = 0] = shape;
  if (layout === undefined) {
    const rowBytes = columns * bytesPerElement(dtype);
    return [
      { plane: 'data', field: 'codes', from: first * rowBytes, to: end * rowBytes, bias: first * rowBytes },
    ];
  }
  const sizes = new Map(planeSpecs(layout, [rows, columns]).map(({ name, bytes }) => [name, bytes]));
  /** Bytes of a plane; the last block, byte or group of codes may be short. */
  const cut = (
    plane: PlaneName,
    from: number,
    to: number,
    field: Field,
    most = sizes.get(plane) ?? 0,
  ): Cut => ({
    plane,
    field,
    from: Math.min(from, most),
    to: Math.min(to, most),
    bias: from,
  });
  const { blockSize, bitsPerCode, decode, scale } = layout;
  const [from, to] = [first * columns, end * columns];
  const perRow = blocksPerMatrix(layout, rows, columns) / Math.max(rows, 1);
  const block =
    layout.blocks === 'row'
      ? { first: first * perRow, end: end * perRow }
      : { first: Math.floor(from / blockSize), end: Math.ceil(to / blockSize) };
  const codes = isInterleaved(kernel)
    ? interleaved(cut('codes', from / 2, to / 2, 'codes'), columns / 2, 4)
    : bitsPerCode === 8
      ? cut('codes', from, to, 'codes')
      : cut('codes', 16 * Math.floor(from / 32), 16 * Math.ceil(to / 32), 'codes');
  const zero = decode.kind === 'affine' ? decode.zero : null;
  const [scaleCut, ...nested] = cutBlocks(cut, 'scale', scale, block) as [Cut, ...Cut[]];
  const scaleSize = bytesOfBlock(scale);
  return [
    codes,
    scales === 'interleaved' ? interleaved(scaleCut, perRow * scaleSize, scaleSize) : scaleCut,
    ...nested,
    ...(zero?.kind === 'zeroPoint' ? [cut('zeroPoints', block.first, block.end, 'zeroPoints')] : []),
    ...(zero?.kind === 'offset' ? cutBlocks(cut, 'offset', zero.offset, block) : []),
  ];
}

/** Nested scales, one for hundreds of weights, are held as float32; what they scale stays as it is. */
function cutBlocks(
  cut: (plane: PlaneName, from: number, to: number, field: Field, most?: number) => Cut,
  name: 'scale' | 'offset',
  values: BlockValues,
  block: { first: number; end: number },
): Cut[] {
  const size = bytesOfBlock(values);
  const blocks = cut(`${name}s`, block.first * size, block.end * size, `${name}Data`);
  if (values.kind === 'plain') return [blocks];
  const start = 4 * Math.floor(block.first / values.blockSize);
  const stop = 4 * Math.ceil(block.end / values.blockSize);
  return [blocks, cut(`${name}sNested`, start, stop, `${name}Nested`, stop)];
}

function bytesOfBlock(values: BlockValues): number {
  return values.kind === 'nested' ? 1 : bytesPerElement(values.dtype);
}

function interleaved(plain: Cut, bytes: number, size: number): Cut {
  return { ...plain, bias: 0, rows: { bytes, size } };
}
