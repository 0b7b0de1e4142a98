// Normal numbers in bfloat16, fast and the same for the same seed: a random index into a table of quantiles.
//   table[i] = mean + deviation * Phi^-1((i + 1/2) / 65536), index from the high bits of a 32-bit xorshift (Marsaglia, 2003)
import { fromFloat32 } from '@moeq/tensors';

const entries = 65536;

/** Quantile of the standard normal distribution: Acklam's rational approximation, relative error 1.2e-9. */
function quantile(p: number): number {
  if (p > 0.5) return -quantile(1 - p);
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) *
        q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) *
        q +
        1)
    );
  }
  const q = p - 0.5;
  const r = q * q;
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  );
}

/** Uint16 [65536], bfloat16 words, ascending. */
export function normalTable(mean: number, deviation: number): Uint16Array {
  const values = Float32Array.from(
    { length: entries },
    (_, i) => mean + deviation * quantile((i + 0.5) / entries),
  );
  return new Uint16Array(fromFloat32(values, 'BF16').buffer);
}

/** A number that depends on all of the text and on the seed (FNV-1a); never 0. */
export function seedOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash === 0 ? 1 : hash;
}

/** Fills with words of the table. @returns the state to go on with */
export function fillRandom(out: Uint16Array, table: Uint16Array, state: number): number {
  for (let i = 0; i < out.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = table[state >>> 16] as number;
  }
  return state;
}
