// Floats of 8 and 16 bits, described as data: sign, exponent, mantissa, and what the top exponent means.
//   value = (-1)^s * 2^(e - bias) * (1 + m / 2^mantissaBits), or 2^(1 - bias) * m / 2^mantissaBits where e = 0
// F16 is IEEE 754 binary16; the two 8-bit ones are OCP 8-bit Floating Point (OFP8) 1.0, as in PyTorch float8_e4m3fn and
// float8_e5m2. Encoding rounds to nearest even, the way of Giesen's "float->half variants" and c10/util/Float8_*.h.

export interface SmallFloat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /**
   * `ieee`: the top exponent holds infinity and NaN, and what rounds past the largest number becomes infinity.
   * `nanOnly`: only the code of all ones is NaN, there is no infinity, and what rounds past the largest number becomes NaN.
   */
  readonly top: 'ieee' | 'nanOnly';
}

export const f16: SmallFloat = { exponentBits: 5, mantissaBits: 10, bias: 15, top: 'ieee' };
/** Largest number 448; no infinity: larger ones and infinities become NaN, as in PyTorch. */
export const f8e4m3: SmallFloat = { exponentBits: 4, mantissaBits: 3, bias: 7, top: 'nanOnly' };
/** Largest number 57344. */
export const f8e5m2: SmallFloat = { exponentBits: 5, mantissaBits: 2, bias: 15, top: 'ieee' };

/** Float32 bits of every code, Uint32 [2^bits]. NaN codes keep their sign and payload. */
export function decodeTable({ exponentBits, mantissaBits, bias, top }: SmallFloat): Uint32Array {
  const half = 1 << (exponentBits + mantissaBits);
  const bits = new Uint32Array(2 * half);
  const values = new Float32Array(bits.buffer);
  const topExponent = (1 << exponentBits) - 1;
  for (let code = 0; code < half; code++) {
    const exponent = code >>> mantissaBits;
    const mantissa = code & ((1 << mantissaBits) - 1);
    const special = exponent === topExponent && (top === 'ieee' || code === half - 1);
    if (special) bits[code] = 0x7f800000 | (mantissa << (23 - mantissaBits));
    else {
      const fraction = mantissa / 2 ** mantissaBits;
      values[code] = exponent === 0 ? 2 ** (1 - bias) * fraction : 2 ** (exponent - bias) * (1 + fraction);
    }
    bits[code + half] = ((bits[code] as number) | 0x80000000) >>> 0;
  }
  return bits;
}

/** What the encoding loop needs to know of a format, as float32 bits and codes. */
function encodeConstants({ exponentBits, mantissaBits, bias, top }: SmallFloat) {
  const shift = 23 - mantissaBits;
  const signMask = 1 << (exponentBits + mantissaBits);
  const infinity = ((1 << exponentBits) - 1) << mantissaBits;
  const ieee = top === 'ieee';
  const overflow = ieee ? infinity : signMask - 1;
  const rebias = (bias - 127) << 23;
  return {
    shift,
    signMask,
    signShift: 31 - exponentBits - mantissaBits,
    rebias,
    /** Less than half a place, so that adding it and the last kept bit rounds to even. */
    roundUp: (1 << (shift - 1)) - 1,
    smallestNormal: (128 - bias) << 23,
    /** The first number past the format. */
    tooLarge: (overflow << shift) - rebias,
    overflow,
    quietNaN: ieee ? infinity | (1 << (mantissaBits - 1)) : signMask - 1,
    payloadMask: ieee ? (1 << mantissaBits) - 1 : 0,
    /** The number whose last place in float32 is the smallest subnormal of the format. */
    magic: 2 ** (24 - bias - mantissaBits),
    magicBits: (24 - bias - mantissaBits + 127) << 23,
  };
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/**
 * The encoder of a format: float32 bits, Int32 [n] -> codes [n]. NaN stays NaN, quiet, with its sign.
 * Three ranges of |x|: normal numbers, whose mantissa is rounded in integers; subnormal ones, which the adder rounds when
 * `magic` is added; and those that are too large or NaN.
 */
export function encoder(format: SmallFloat) {
  const constants = encodeConstants(format);
  return (bits: Int32Array, out: Uint8Array | Uint16Array): void => {
    // locals, which the compiler keeps in registers
    const { shift, signMask, signShift, rebias, roundUp, smallestNormal, tooLarge } = constants;
    const { overflow, quietNaN, payloadMask, magic, magicBits } = constants;
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i] as number;
      const absolute = word & 0x7fffffff;
      let code: number;
      if (absolute < smallestNormal) {
        scratchBits[0] = absolute;
        scratch[0] = (scratch[0] as number) + magic;
        code = (scratchBits[0] as number) - magicBits;
      } else if (absolute < tooLarge) {
        code = (absolute + rebias + roundUp + ((absolute >>> shift) & 1)) >>> shift;
      } else if (absolute > 0x7f800000) {
        code = quietNaN | ((absolute >>> shift) & payloadMask);
      } else {
        code = overflow;
      }
      out[i] = ((word >>> signShift) & signMask) | code;
    }
  };
}
