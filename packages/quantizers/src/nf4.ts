// NF4: 4 bits, 16 values placed at the quantiles of a normal distribution. QLoRA, arXiv:2305.14314, appendix E;
// reference implementation bitsandbytes.
import { type BlockOptions, builtInCodebook } from './codebook-quantizer.js';
import type { Quantizer } from './quantizer.js';

/** bitsandbytes functional.py, get_4bit_type('nf4'); as float32 each equals the CUDA table nf4_dequantization_lut. */
export const nf4Values = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);

/**
 * NF4 as bitsandbytes stores it, byte for byte.
 * @throws MoeqError for other options
 */
export function nf4(options: BlockOptions = {}): Quantizer {
  return builtInCodebook('nf4', nf4Values, options);
}
