// Element types of plain tensors, named as safetensors names them.

/** Bits of one element. F8_E8M0 holds a power of two, 2^(e - 127), and nothing else; OCP Microscaling Formats 1.0. */
const bits = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  U16: 16,
  I16: 16,
  U32: 32,
  I32: 32,
  U64: 64,
  I64: 64,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F16: 16,
  BF16: 16,
  F32: 32,
  F64: 64,
} as const;

/** Bits of an element of the dtypes of safetensors that are carried and never read as numbers. */
const opaqueBits = { C64: 64, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4 } as const;

/** The dtypes whose elements are read as numbers. */
export type NumberDType = keyof typeof bits;

export type DType = NumberDType | keyof typeof opaqueBits;

/** The dtypes that a weight, an activation or a scale can have. */
export type FloatDType = 'F32' | 'F16' | 'BF16';

export const dtypes: readonly NumberDType[] = Object.freeze(Object.keys(bits) as NumberDType[]);

const allBits: Readonly<Record<DType, number>> = { ...bits, ...opaqueBits };

/** All that a file may hold, those that are never read as numbers too. */
export const storedDTypes: readonly DType[] = Object.freeze(Object.keys(allBits) as DType[]);

export function isDType(name: string): name is DType {
  return Object.hasOwn(allBits, name);
}

export function isNumberDType(dtype: DType): dtype is NumberDType {
  return Object.hasOwn(bits, dtype);
}

const floatDTypes: readonly FloatDType[] = ['F32', 'F16', 'BF16'];

export function isFloatDType(dtype: DType): dtype is FloatDType {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** What torch calls the dtypes of weights, in config.json and elsewhere. */
export const torchNames = { F16: 'float16', BF16: 'bfloat16', F32: 'float32' } as const;

/** The dtype of a name such as `bfloat16` or `torch.bfloat16`; null for anything else. */
export function fromTorchName(name: unknown): FloatDType | null {
  const plain = String(name).replace(/^torch\./, '');
  return floatDTypes.find((dtype) => torchNames[dtype] === plain) ?? null;
}

/** Bytes of one element; a fraction where elements share a byte. */
export function bytesPerElement(dtype: DType): number {
  return allBits[dtype] / 8;
}

/** Elements of a tensor; 1 for a scalar, whose shape is empty. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of a dense tensor. */
export function byteLength(dtype: DType, shape: readonly number[]): number {
  return bytesPerElement(dtype) * elementCount(shape);
}

/** For messages: `F16 [2, 3]`; long shapes are cut. */
export function describeTensor(dtype: DType, shape: readonly number[]): string {
  const sizes = shape.length > 8 ? [...shape.slice(0, 8), '…'] : shape;
  return `${dtype} [${sizes.join(', ')}]`;
}
