// Rounding to integers, ties to even, as torch.round and the CUDA instructions round.

/** 1.5 * 2^52: a double of this size has no fraction bits left, so adding it rounds. */
const noFraction = 6755399441055744;

/** The nearest integer to a double of magnitude below 2^51, ties to even. */
export function roundToEven(x: number): number {
  return x + noFraction - noFraction;
}

/** The largest float32. */
export const largestFloat = 3.4028234663852886e38;

/** The float32 nearest to x that, times `levels`, is still finite; degenerate weights near the largest float need it. */
export function finiteScale(x: number, levels: number): number {
  const scale = Math.fround(x);
  return scale * levels <= largestFloat ? scale : Math.fround((largestFloat / levels) * (1 - 2 ** -23));
}
