// The 16 numbers of a 4-bit codebook as integers of 14 bits, value ≈ step * level: what the kernels multiply.

/** Sixteen products with activations of 15 bits stay below 2^31: assembly/quantize-activations.ts. */
const maxLevel = 8191;

/** A codebook whose levels miss it by more than this part of its median is decoded to float32 instead. */
const maxRelativeError = 1e-3;

export interface Levels {
  readonly step: number;
  /** The low bytes of the 16 levels, then the high ones. */
  readonly bytes: Uint8Array;
}

/**
 * @param values Float32 [16], finite
 * @returns null where the values are of too different sizes for integers
 */
export function codebookLevels(values: Float32Array): Levels | null {
  const sizes = values.map(Math.abs).sort();
  const step = (sizes[15] as number) / maxLevel;
  if (step === 0) return { step: 0, bytes: new Uint8Array(32) };
  if (step / 2 > maxRelativeError * (sizes[8] as number)) return null;
  const levels = Int16Array.from(values, (value) => Math.round(value / step));
  const bytes = new Uint8Array(32);
  levels.forEach((level, code) => {
    bytes[code] = level & 255;
    bytes[16 + code] = (level >> 8) & 255;
  });
  return { step, bytes };
}
