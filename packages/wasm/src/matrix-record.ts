// The structure by which kernels know a matrix: the fields of `Matrix` in assembly/matrix.ts, in that order, 4 bytes each.

/** As in assembly/matrix.ts. */
export const kernels = {
  float32: 0,
  float16: 1,
  bfloat16: 2,
  affine4: 3,
  codebook4: 4,
  signed8: 5,
  unsigned8: 6,
  any: 7,
} as const;
export type KernelName = keyof typeof kernels;

export const blockKinds = { F32: 0, F16: 1, BF16: 2, F8_E8M0: 3, nested: 4 } as const;
/** By `ScaleOrder` of fit-kernel.ts. */
export const scaleOrders = { blocks: 0, units: 1, together: 2 } as const;
export const shifts = { constant: 0, zeroPoints: 1, offsets: 2 } as const;
export const orders = { highFirst: 0, lowFirst: 1, splitHalves: 2 } as const;
/**
 * What activations become: nothing else, or integers for affine 4-bit codes, 4-bit codebooks, and 8-bit codes, as
 * assembly/quantize-activations.ts writes them.
 */
export const activationForms = { float: 0, bytes: 1, pairs: 2, plain: 3 } as const;
export type ActivationForm = keyof typeof activationForms;

const blockFields = (name: 'scale' | 'offset') =>
  [
    `${name}Data`,
    `${name}Kind`,
    `${name}Table`,
    `${name}Nested`,
    `${name}NestedSize`,
    `${name}NestedShift`,
    `${name}Multiplier`,
    `${name}Offset`,
  ] as const;

const fields = [
  'kernel',
  'rows',
  'firstRow',
  'columns',
  'unit',
  'units',
  'codes',
  'blockSize',
  'blocksPerRow',
  'scaleOrder',
  'shift',
  'zeroPoints',
  'levelStep',
  'levelOffset',
  'levels',
  'values',
  'bits',
  'order',
  ...blockFields('scale'),
  ...blockFields('offset'),
] as const;

export type Field = (typeof fields)[number];

const floats: ReadonlySet<Field> = new Set<Field>([
  'levelStep',
  'levelOffset',
  'scaleMultiplier',
  'scaleOffset',
  'offsetMultiplier',
  'offsetOffset',
]);

/** Bytes of a record. */
export const recordBytes = 4 * fields.length;

/** Fields that are left out are 0; integers count modulo 2^32, as addresses do. */
export function encodeRecord(values: Readonly<Partial<Record<Field, number>>>): Uint8Array {
  const record = new DataView(new ArrayBuffer(recordBytes));
  fields.forEach((field, index) => {
    const value = values[field] ?? 0;
    if (floats.has(field)) record.setFloat32(4 * index, value, true);
    else record.setUint32(4 * index, value % 2 ** 32, true);
  });
  return new Uint8Array(record.buffer);
}
