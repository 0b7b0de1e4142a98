// FP4 of bitsandbytes: sign, and a magnitude of 3 bits that is a float with 2 exponent bits and 1 mantissa bit, except
// that its smallest step is 1/16. Not the E2M1 of the OCP formats. Reference implementation bitsandbytes.
import { flatCodebookQuantizer } from './flat-codebook.js';
import type { Quantizer } from './quantizer.js';

/** bitsandbytes functional.py, get_4bit_type('fp4'), before the division by the largest; both zeros are +0. */
const twelfths = [0, 0.0625, 8, 12, 4, 6, 2, 3, 0, -0.0625, -8, -12, -4, -6, -2, -3];

export const fp4Values = Float32Array.from(twelfths, (value) => value / 12);

const make = flatCodebookQuantizer('fp4', fp4Values);

/**
 * FP4 as bitsandbytes stores it, byte for byte.
 * @param options `blockSize`: weights that share a scale, a power of two from 32 to 4096; 64 unless given
 * @throws MoeqError for other options
 */
export function fp4(options: { readonly blockSize?: number } = {}): Quantizer {
  return make(options);
}
