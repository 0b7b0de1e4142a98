// The 16 numbers of a 4-bit codebook as integers of 13 bits, value ≈ step * level: what the kernels multiply.

/** 32 products with activations of 15 bits stay below 2^31: assembly/quantize-activations.ts. */
const maxLevel = 4095;

/** A codebook whose levels miss it by more than this part of its median is decoded to float32 instead. */
const maxRelativeError = 1e-3;

export interface Levels {
  readonly step: number;
  /** The low bytes of the 16 levels, then the high ones. */
  readonly bytes: Uint8Array;
}

/**
 * The step that misses the values least: not at all where they are integers of some step.
 * @param values Float32 [16], finite
 * @returns null where the values are of too different sizes for integers
 */
export function codebookLevels(values: Float32Array): Levels | null {
  const sizes = values.map(Math.abs).sort();
  const largest = sizes[15] as number;
  if (largest === 0) return { step: 0, bytes: new Uint8Array(32) };
  let best = { error: Number.POSITIVE_INFINITY, step: largest };
  for (let steps = 1; steps <= maxLevel; steps++) {
    const step = largest / steps;
    let error = 0;
    for (const value of values) error = Math.max(error, Math.abs(value - step * Math.round(value / step)));
    // rounding of float32 does not count
    if (error < best.error - 1e-7 * largest) best = { error, step };
  }
  if (best.error > maxRelativeError * (sizes[8] as number)) return null;
  const bytes = new Uint8Array(32);
  values.forEach((value, code) => {
    const level = Math.round(value / best.step);
    bytes[code] = level & 255;
    bytes[16 + code] = (level >> 8) & 255;
  });
  return { step: best.step, bytes };
}
