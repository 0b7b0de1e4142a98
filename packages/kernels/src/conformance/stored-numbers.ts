// Numbers as a dtype stores them: cut to what it can hold, with the bytes. Written from the definitions of the dtypes and
// not with the conversions that are under test.
import type { FloatDType } from '@moeq/tensors';

export interface StoredNumbers {
  /** What the bytes say, exactly. */
  readonly numbers: Float64Array;
  readonly data: Uint8Array;
}

/** @param values below 2^15 in magnitude; above 0 for F8_E8M0 */
export function storeNumbers(values: ArrayLike<number>, dtype: FloatDType | 'F8_E8M0'): StoredNumbers {
  const { bytes, encode } = encoders[dtype];
  const numbers = new Float64Array(values.length);
  const data = new Uint8Array(values.length * bytes);
  for (let i = 0; i < values.length; i++) {
    const { number, bits } = encode(values[i] as number);
    numbers[i] = number;
    for (let byte = 0; byte < bytes; byte++) data[i * bytes + byte] = (bits >>> (8 * byte)) & 255;
  }
  return { numbers, data };
}

interface Encoder {
  readonly bytes: number;
  /** Cuts towards zero. */
  encode(value: number): { number: number; bits: number };
}

const word = new DataView(new ArrayBuffer(4));

const encoders: Record<FloatDType | 'F8_E8M0', Encoder> = {
  F32: { bytes: 4, encode: (value) => cutFloat32(value, 0xffffffff, 0) },
  BF16: { bytes: 2, encode: (value) => cutFloat32(value, 0xffff0000, 16) },
  F16: { bytes: 2, encode: cutFloat16 },
  F8_E8M0: {
    bytes: 1,
    encode(value) {
      const exponent = Math.floor(Math.log2(value));
      return { number: 2 ** exponent, bits: exponent + 127 };
    },
  },
};

function cutFloat32(value: number, mask: number, shift: number): { number: number; bits: number } {
  word.setFloat32(0, value);
  const bits = word.getUint32(0) & mask;
  word.setUint32(0, bits);
  return { number: word.getFloat32(0), bits: bits >>> shift };
}

/** sign 1, exponent 5 (bias 15), mantissa 10; below 2^-14 the exponent stays at its least and the leading one goes. */
function cutFloat16(value: number): { number: number; bits: number } {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const units = Math.floor(size / 2 ** (exponent - 10)); // mantissa with its leading one, 1024 to 2047
  const number = units * 2 ** (exponent - 10);
  const bits = units < 1024 ? units : ((exponent + 15) << 10) | (units - 1024);
  return { number: sign === 0 ? number : -number, bits: sign | bits };
}
