// Bulk conversion of every dtype from and to float32: exact where float32 can hold the number, else rounded to nearest
// even. NaN, infinities and subnormals survive wherever the dtype has them. What a dtype cannot hold:
// - F8_E4M3 has no infinity: past 448 (after rounding) becomes NaN, as in PyTorch.
// - F8_E8M0 holds 2^-127 to 2^127: the nearest power of two, ties to the larger; 0 becomes 2^-127, negatives NaN.
// - integers round half to even and stop at their ends; NaN is an error. BOOL is 1 for all but 0.
import { bytesPerElement, type DType, isNumberDType, type NumberDType } from './dtype.js';
import { MoeqError } from './errors.js';
import { fromInteger, fromInteger64, toInteger64 } from './integers.js';
import { decodeTable, encoder, f8e4m3, f8e5m2, f16, type SmallFloat } from './small-float.js';
import { bytesOf, viewAs } from './views.js';

interface Codec {
  decode(data: Uint8Array, out: Float32Array): void;
  /** `out` is aligned to the dtype's size. */
  encode(values: Float32Array, out: Uint8Array): void;
}

const bitsOf = (values: Float32Array) => new Int32Array(values.buffer, values.byteOffset, values.length);

function small(format: SmallFloat, View: typeof Uint8Array | typeof Uint16Array): Codec {
  let table: Uint32Array | undefined;
  let encode: ReturnType<typeof encoder> | undefined;
  return {
    decode(data, out) {
      table ??= decodeTable(format);
      const codes = viewAs<Uint8Array | Uint16Array>(View, data);
      const bits = bitsOf(out);
      for (let i = 0; i < bits.length; i++) bits[i] = table[codes[i] as number] as number;
    },
    encode(values, out) {
      encode ??= encoder(format);
      encode(bitsOf(values), viewAs<Uint8Array | Uint16Array>(View, out));
    },
  };
}

const bf16: Codec = {
  decode(data, out) {
    const codes = viewAs(Uint16Array, data);
    const bits = bitsOf(out);
    for (let i = 0; i < bits.length; i++) bits[i] = (codes[i] as number) << 16;
  },
  encode(values, out) {
    const codes = viewAs(Uint16Array, out);
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i] as number;
      const notANumber = (word & 0x7fffffff) > 0x7f800000;
      codes[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >> 16;
    }
  },
};

const e8m0: Codec = {
  decode(data, out) {
    const bits = bitsOf(out);
    for (let i = 0; i < bits.length; i++) {
      const code = data[i] as number;
      bits[i] = code === 255 ? 0x7fc00000 : code === 0 ? 0x00400000 : code << 23;
    }
  },
  encode(values, out) {
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i] as number;
      // 1.5 times a power of two and more goes up; below 2^-126 the powers are 2^-127 and 2^-126 only
      const nearest = word < 0x00800000 ? Number(word >= 0x00600000) : (word + 0x00400000) >>> 23;
      const zero = (word & 0x7fffffff) === 0;
      out[i] = zero ? 0 : word < 0 || nearest > 254 ? 255 : nearest;
    }
  },
};

const codecs: Record<NumberDType, Codec> = {
  F32: {
    decode: (data, out) => bytesOf(out).set(data),
    encode: (values, out) => out.set(bytesOf(values)),
  },
  F64: {
    decode: (data, out) => out.set(viewAs(Float64Array, data)),
    encode: (values, out) => viewAs(Float64Array, out).set(values),
  },
  F16: small(f16, Uint16Array),
  BF16: bf16,
  F8_E4M3: small(f8e4m3, Uint8Array),
  F8_E5M2: small(f8e5m2, Uint8Array),
  F8_E8M0: e8m0,
  U8: { decode: (data, out) => out.set(data), encode: (values, out) => fromInteger(values, out, 'U8') },
  I8: {
    decode: (data, out) => out.set(viewAs(Int8Array, data)),
    encode: (values, out) => fromInteger(values, viewAs(Int8Array, out), 'I8'),
  },
  U16: {
    decode: (data, out) => out.set(viewAs(Uint16Array, data)),
    encode: (values, out) => fromInteger(values, viewAs(Uint16Array, out), 'U16'),
  },
  I16: {
    decode: (data, out) => out.set(viewAs(Int16Array, data)),
    encode: (values, out) => fromInteger(values, viewAs(Int16Array, out), 'I16'),
  },
  U32: {
    decode: (data, out) => out.set(viewAs(Uint32Array, data)),
    encode: (values, out) => fromInteger(values, viewAs(Uint32Array, out), 'U32'),
  },
  I32: {
    decode: (data, out) => out.set(viewAs(Int32Array, data)),
    encode: (values, out) => fromInteger(values, viewAs(Int32Array, out), 'I32'),
  },
  U64: {
    decode: (data, out) => toInteger64(viewAs(Uint32Array, data), viewAs(Uint32Array, data), out),
    encode: (values, out) => fromInteger64(values, viewAs(BigUint64Array, out), 'U64'),
  },
  I64: {
    decode: (data, out) => toInteger64(viewAs(Uint32Array, data), viewAs(Int32Array, data), out),
    encode: (values, out) => fromInteger64(values, viewAs(BigInt64Array, out), 'I64'),
  },
  BOOL: {
    decode(data, out) {
      for (let i = 0; i < out.length; i++) out[i] = data[i] === 0 ? 0 : 1;
    },
    encode(values, out) {
      for (let i = 0; i < out.length; i++) out[i] = values[i] === 0 ? 0 : 1;
    },
  },
};

/** @throws MoeqError for a dtype that is never read as numbers */
function codecOf(dtype: DType, operation: string): Codec {
  if (isNumberDType(dtype)) return codecs[dtype];
  throw new MoeqError({ operation, subject: 'tensor', expected: 'a dtype of real numbers', found: dtype });
}

function assertLength(operation: string, what: string, expected: number, found: number): void {
  if (found === expected) return;
  throw new MoeqError({ operation, subject: 'tensor', expected: `${expected} ${what}`, found: `${found}` });
}

/**
 * Numbers of a tensor's bytes, float32.
 * @param data little-endian elements of the dtype, at any address
 * @param out written and returned when given; as many elements as `data` holds
 * @throws MoeqError when `data` is no whole number of elements or `out` has another length, or for a dtype that is
 *   never read as numbers
 */
export function toFloat32(data: Uint8Array, dtype: DType, out?: Float32Array): Float32Array {
  const operation = `convert ${dtype} to F32`;
  const codec = codecOf(dtype, operation);
  const size = bytesPerElement(dtype);
  const count = Math.floor(data.byteLength / size);
  assertLength(operation, 'bytes', count * size, data.byteLength);
  const target = out ?? new Float32Array(count);
  assertLength(operation, 'elements of room', count, target.length);
  codec.decode(data, target);
  return target;
}

/**
 * Bytes of numbers: little-endian elements of the dtype, rounded to nearest even.
 * @param out written and returned when given, at any address; values.length elements long
 * @throws MoeqError when `out` has another length, or NaN meets an integer dtype
 */
export function fromFloat32(values: Float32Array, dtype: DType, out?: Uint8Array): Uint8Array {
  const operation = `convert F32 to ${dtype}`;
  const codec = codecOf(dtype, operation);
  const size = bytesPerElement(dtype);
  const bytes = values.length * size;
  const target = out ?? new Uint8Array(bytes);
  assertLength(operation, 'bytes of room', bytes, target.byteLength);
  const aligned = target.byteOffset % size === 0 ? target : new Uint8Array(bytes);
  codec.encode(values, aligned);
  if (aligned !== target) target.set(aligned);
  return target;
}
