import type { Layout } from '@moeq/tensors';

/**
 * Activations are integers of 8 bits for affine 4-bit codes, pairs for codebooks, integers of 15 bits for 8-bit codes; the
 * levels of 4-bit codebooks are bytes.
 */
export const tolerance = {
  float: 1e-5,
  quantized: ({ bitsPerCode, decode }: Layout) => {
    if (bitsPerCode === 8) return 1e-3;
    return decode.kind === 'affine' && decode.zero.kind !== 'signed' ? 2.5e-2 : 1e-2;
  },
} as const;
