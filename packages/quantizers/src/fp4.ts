// FP4 of bitsandbytes: sign, and a magnitude of 3 bits that is a float with 2 exponent bits and 1 mantissa bit, except
// that its smallest step is 1/16. Not the E2M1 of the OCP formats. Reference implementation bitsandbytes.
import { type BlockOptions, builtInCodebook } from './codebook-quantizer.js';
import type { Quantizer } from './quantizer.js';

/** bitsandbytes functional.py, get_4bit_type('fp4'), before the division by the largest; both zeros are +0. */
const twelfths = [0, 0.0625, 8, 12, 4, 6, 2, 3, 0, -0.0625, -8, -12, -4, -6, -2, -3];

export const fp4Values = Float32Array.from(twelfths, (value) => value / 12);

/**
 * FP4 as bitsandbytes stores it, byte for byte.
 * @throws MoeqError for other options
 */
export function fp4(options: BlockOptions = {}): Quantizer {
  return builtInCodebook('fp4', fp4Values, options);
}
