/** Activations meet quantized weights as integers of 15 bits, codebooks are integers of 14. */
export const tolerance = { float: 1e-5, quantized: 1e-3 } as const;
