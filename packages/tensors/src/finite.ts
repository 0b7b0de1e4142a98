// Finds NaN and infinity in the raw bytes of a tensor. In F32, F16, BF16 (IEEE 754 and its upper half) a number is finite
// unless all bits of its exponent are set, so nothing needs to be widened: one more than a full exponent carries into the
// bit of the sign, which is masked off before. Two 16-bit numbers are looked at together.
import { toFloat32 } from './convert.js';
import { byteLength, type DType, type FloatDType, isFloatDType } from './dtype.js';
import { MoeqError, quote } from './errors.js';

/** Exponent, and its lowest bit, of the one or two numbers in a 32-bit word. */
const words: Readonly<Record<FloatDType, { readonly exponent: number; readonly one: number }>> = {
  F32: { exponent: 0x7f800000, one: 0x00800000 },
  F16: { exponent: 0x7c007c00, one: 0x04000400 },
  BF16: { exponent: 0x7f807f80, one: 0x00800080 },
};

/** Words between two looks at what they have carried. */
const stride = 4096;

/**
 * @param data floats, or little-endian elements of `dtype` at an address that is a multiple of 4
 * @returns index of the first element that is NaN or infinite, or -1; -1 for integers and for floats of 8 and 64 bits
 */
export function findNonFinite(data: Float32Array | Uint8Array, dtype: DType = 'F32'): number {
  if (!isFloatDType(dtype)) return -1;
  const { exponent, one } = words[dtype];
  const list = new Uint32Array(data.buffer, data.byteOffset, Math.floor(data.byteLength / 4));
  for (let start = 0; start < list.length; start += stride) {
    const end = Math.min(start + stride, list.length);
    let carried = 0;
    for (let i = start; i < end; i++) carried |= ((list[i] as number) & exponent) + one;
    if ((carried & (dtype === 'F32' ? 0x80000000 : 0x80008000)) !== 0) return findFrom(data, dtype, start);
  }
  return findFrom(data, dtype, list.length);
}

/** Looks at every element from a 32-bit word on. */
function findFrom(data: Float32Array | Uint8Array, dtype: FloatDType, word: number): number {
  const size = dtype === 'F32' ? 4 : 2;
  const mask = words[dtype].exponent >>> (dtype === 'F32' ? 0 : 16);
  const elements =
    dtype === 'F32'
      ? new Uint32Array(data.buffer, data.byteOffset, data.byteLength / size)
      : new Uint16Array(data.buffer, data.byteOffset, data.byteLength / size);
  for (let i = (word * 4) / size; i < elements.length; i++) {
    if (((elements[i] as number) & mask) === mask) return i;
  }
  return -1;
}

/** What weights are checked for, and where in their tensor they lie. */
export interface FinitePlace {
  readonly operation: string;
  /** Name of the tensor. */
  readonly subject: string;
  /** Of the whole tensor; the place is an index without it. */
  readonly shape?: readonly number[];
  /** Index in the tensor of the first element; 0 unless given. */
  readonly first?: number;
}

/**
 * @param data floats, or little-endian elements of `dtype` at an address that is a multiple of 4
 * @throws MoeqError `notFinite` at the first NaN or infinity, with its place in the tensor
 */
export function assertFinite(
  data: Float32Array | Uint8Array,
  { operation, subject, shape, first = 0 }: FinitePlace,
  dtype: FloatDType = 'F32',
): void {
  const at = findNonFinite(data, dtype);
  if (at < 0) return;
  const size = byteLength(dtype, [1]);
  const bytes = new Uint8Array(data.buffer, data.byteOffset + at * size, size).slice();
  const [value] = toFloat32(bytes, dtype);
  const place =
    shape === undefined ? `element ${first + at}` : `[${indicesOf(first + at, shape).join(', ')}]`;
  throw new MoeqError({
    code: 'notFinite',
    operation,
    subject: quote(subject, 200),
    expected: 'finite weights',
    found: `${value} at ${place}`,
  });
}

/** Row-major indices of an element. */
function indicesOf(element: number, shape: readonly number[]): number[] {
  const indices: number[] = [];
  for (const size of shape.toReversed()) {
    indices.unshift(element % size);
    element = Math.floor(element / size);
  }
  return indices;
}
