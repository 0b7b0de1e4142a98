import type { Layout } from '@moeq/tensors';

/**
 * Activations meet quantized weights as integers of 15 bits, and codebooks are integers of 14; affine codes of 4 bits meet
 * activations of 8.
 */
export const tolerance = {
  float: 1e-5,
  quantized: ({ bitsPerCode, decode }: Layout) =>
    bitsPerCode === 4 && decode.kind === 'affine' && decode.zero.kind !== 'signed' ? 2.5e-2 : 1e-3,
} as const;
