// Puts a matrix into the heaps of all threads: each gets the rows that it computes, and the planes of their blocks, cut
// from the tensor. They stay as they are, but for 4-bit codes that have a kernel: interleave.ts. Records point to where
// element, block or nested block 0 of the whole tensor would be, and to the first of interleaved codes.
//
// Shapes: N rows, K columns, B block.
import { headOf, type MatrixData } from '@moeq/kernels';
import type { BlockValues, Layout, QuantizedTensor } from '@moeq/tensors';
import { blocksPerMatrix, isQuantized, planeData, toFloat32 } from '@moeq/tensors';
import { blankOf, recordEncoder } from './abi/encode.js';
import type { ActivationForm, orders } from './abi/enumerations.js';
import type { Values } from './abi/fields.js';
import { bytesOf, matrixRecord } from './abi/records.js';
import type { KernelChoice } from './fit-kernel.js';
import { chooseKernel, isInterleaved } from './fit-kernel.js';
import { interleaveRows } from './interleave.js';
import { type Cut, cutBytes, nestedValuesOf, padded, placeMatrix, type RowRange } from './place-matrix.js';
import type { Store } from './store.js';

/** How activations have to come: float32 as they are, or integers in units. */
export interface Intake {
  readonly form: ActivationForm;
  /** 0: float32. */
  readonly unit: 0 | 32 | 64;
  /** Of the 4-bit codes that they are multiplied with. */
  readonly order: keyof typeof orders;
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

type Fields = Partial<Values<typeof matrixRecord>>;

const blank = blankOf(matrixRecord);
const encodeMatrices = recordEncoder(matrixRecord);
const recordBytes = padded(bytesOf(matrixRecord));

const dtypeKinds = { F32: 'float32', F16: 'float16', BF16: 'bfloat16', F8_E8M0: 'exponent8' } as const;

interface LoadOptions {
  /** Rows of the tensor to load; all unless given. */
  readonly range?: RowRange;
  /** Whether the reader needs no barrier where every thread has all rows. MLPs have one in any case. */
  readonly everywhereIfSmall?: boolean;
  /** Rows that one thread has together; 1 unless given. */
  readonly together?: number;
}

/** @throws MoeqError when memory is short */
export function loadMatrix(
  store: Store,
  data: MatrixData,
  {
    range = { first: 0, count: data.shape[0] as number },
    everywhereIfSmall = false,
    together = 1,
  }: LoadOptions = {},
): LoadedMatrix {
  const columns = data.shape[1] as number;
  const head = headOf(data);
  const choice = chooseKernel(head);
  const { threads } = store;
  store.useColumns(columns);
  const { shares, everywhere, cuts, room } = placeMatrix(
    ...([head, choice, threads, range, everywhereIfSmall, together] as const),
  );
  const record = store.allocate(recordBytes + room, 'weights');
  const common = commonFields(store, data, choice);
  let bytes = 0;
  shares.forEach(({ first, end }, thread) => {
    const fields = { ...blank, ...common, firstRow: first, rows: end - first };
    let address = record + recordBytes;
    for (const cut of cuts[thread] as Cut[]) {
      write(store, thread, address, cut, cutOf(data, cut));
      fields[cut.field] = address - cut.bias + 2 ** 32;
      address += padded(cutBytes(cut));
      bytes += cutBytes(cut);
    }
    store.write(thread, record, encodeMatrices([fields]));
  });
  return { record, rows: range.count, columns, bytes, intake: intakeOf(data, choice), everywhere };
}

function write(store: Store, thread: number, address: number, cut: Cut, data: Uint8Array): void {
  if (cut.rows === undefined) {
    store.write(thread, address, data);
    return;
  }
  const interleaved = store.hostBuffer(cutBytes(cut));
  interleaveRows(data, cut.rows.bytes, cut.rows.size, interleaved);
  store.write(thread, address, interleaved);
}

function intakeOf(data: MatrixData, { kernel, unit }: KernelChoice): Intake {
  if (unit === 0 || !isQuantized(data) || data.layout === null)
    return { form: 'float', unit: 0, order: 'highFirst' };
  if (!isInterleaved(kernel)) return { form: 'plain', unit, order: 'highFirst' };
  return { form: kernel === 'affine4' ? 'bytes' : 'pairs', unit, order: data.layout.order };
}

/** What does not depend on the thread. */
function commonFields(store: Store, data: MatrixData, choice: KernelChoice): Fields {
  const [rows = 0, columns = 0] = data.shape;
  const { kernel, unit, levelStep, levelOffset, levels, scales } = choice;
  const fields: Fields = { kernel, columns, unit, units: unit === 0 ? 0 : columns / unit };
  if (!isQuantized(data) || data.layout === null) return fields;
  const { layout } = data;
  const { decode, scale, blockSize, blocks, bitsPerCode, order } = layout;
  const zero = decode.kind === 'affine' ? decode.zero : null;
  return {
    ...fields,
    blockSize,
    blocksPerRow: blocks === 'row' ? blocksPerMatrix(layout, rows, columns) / rows : 0,
    scaleOrder: scales,
    zero: zero?.kind === 'zeroPoint' ? 'zeroPoints' : zero?.kind === 'offset' ? 'offsets' : 'constant',
    levelStep,
    levelOffset,
    levels: store.table(levels),
    values: store.table(codeNumbers(layout)),
    bits: bitsPerCode,
    order,
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
    return { [`${name}Kind`]: dtypeKinds[values.dtype], [`${name}Multiplier`]: values.multiplier };
  }
  const offset = values.hasOffset ? toFloat32(planeData(tensor, `${name}sOffset`), 'F32')[0] : 0;
  const bits = Math.log2(values.blockSize);
  return {
    [`${name}Kind`]: 'nested',
    [`${name}Table`]: store.table(values.codebook),
    [`${name}NestedSize`]: values.blockSize,
    [`${name}NestedShift`]: Number.isInteger(bits) ? bits : 32,
    [`${name}Multiplier`]: 1,
    [`${name}Offset`]: offset ?? 0,
  };
}

/** The bytes of a cut, converted where the heap holds them otherwise. */
function cutOf(data: MatrixData, { plane, from, to }: Cut): Uint8Array {
  if (!isQuantized(data)) return data.data.subarray(from, to);
  const bytes = planeData(data, plane);
  const values = nestedValuesOf(data.layout, plane);
  if (values === null) return bytes.subarray(from, to);
  const floats = toFloat32(bytes, values.dtype);
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength).subarray(from, to);
}
