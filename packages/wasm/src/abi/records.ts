// Records in a thread's memory, by their addresses: the host writes them, the kernels read them, the worker some of their
// fields. Classes of assembly/ have the same fields in the same order; build/check-abi.ts compares both.
import { blockKinds, kernels, orders, scaleOrders, zeros } from './enumerations.js';
import { type Fields, placed, wordsOf } from './fields.js';

/** `Blocks` of assembly/matrix.ts: one number a block. */
export const blocksRecord = {
  data: 'address',
  kind: blockKinds,
  table: 'address',
  nested: 'address',
  nestedSize: 'u32',
  nestedShift: 'u32',
  multiplier: 'f32',
  offset: 'f32',
} as const satisfies Fields;

type Prefixed<Of, Name extends string> = {
  readonly [Key in keyof Of & string as `${Name}${Capitalize<Key>}`]: Of[Key];
};

/** The same fields within `Matrix`. */
const blocks = <const Name extends string>(name: Name) =>
  Object.fromEntries(
    Object.entries(blocksRecord).map(([key, field]) => [
      `${name}${key.charAt(0).toUpperCase()}${key.slice(1)}`,
      field,
    ]),
  ) as Prefixed<typeof blocksRecord, Name>;

/** `Matrix` of assembly/matrix.ts, which says what the fields are. */
export const matrixRecord = {
  kernel: kernels,
  rows: 'u32',
  firstRow: 'u32',
  columns: 'u32',
  unit: 'u32',
  units: 'u32',
  codes: 'address',
  blockSize: 'u32',
  blocksPerRow: 'u32',
  scaleOrder: scaleOrders,
  zero: zeros,
  zeroPoints: 'address',
  levelStep: 'f32',
  levelOffset: 'f32',
  levels: 'address',
  values: 'address',
  bits: 'u32',
  order: orders,
  ...blocks('scale'),
  ...blocks('offset'),
} as const satisfies Fields;

/** `Cache` of assembly/attention.ts: one key/value head of one layer. */
export const cacheRecord = {
  base: 'address',
  pageStride: 'u32',
  pageSize: 'u32',
  paddedSize: 'u32',
  headDim: 'u32',
  valueDim: 'u32',
  paddedValueDim: 'u32',
} as const satisfies Fields;

/** `Rows` of assembly/latent.ts, which says what the fields are. The worker writes it. */
export const rowsRecord = {
  pages: 'address',
  pageSize: 'u32',
  stride: 'u32',
  keyDim: 'u32',
  valueAt: 'u32',
  valueDim: 'u32',
} as const satisfies Fields;

/**
 * The matrices of an expert, which intake of an instruction each takes, and its biases; 0: none. Between host and worker
 * only.
 */
export const expertRecord = {
  gate: 'address',
  gateMode: 'u32',
  gateBias: 'address',
  up: 'address',
  upMode: 'u32',
  upBias: 'address',
  down: 'address',
  downMode: 'u32',
  downBias: 'address',
} as const satisfies Fields;

export const bytesOf = (fields: Fields): number => 4 * wordsOf(fields);

/** The word of each field, counted from the record's first: `words[address / 4 + at.field]`. */
export const wordsIn = <Of extends Fields>(fields: Of) =>
  Object.fromEntries(placed(fields).map(([name, , word]) => [name, word])) as Readonly<
    Record<keyof Of, number>
  >;
