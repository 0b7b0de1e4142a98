// Weights for fast-check.
import fc from 'fast-check';

/** Finite float32 of any magnitude, subnormal ones among them. */
const anyWeight = fc.float({ noNaN: true, noDefaultInfinity: true });

/** Weights as they come in models. */
const usualWeight = fc.float({ noNaN: true, min: -1, max: 1 });

export const weights = (maxLength: number) =>
  fc
    .oneof(
      fc.array(usualWeight, { maxLength }),
      fc.array(anyWeight, { maxLength }),
      fc.array(fc.constantFrom(0, -0, 1, -0.5, Math.fround(1e-40)), { maxLength }),
    )
    .map((list) => Float32Array.from(list));
