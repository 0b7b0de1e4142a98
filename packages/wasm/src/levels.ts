// The 16 numbers of a 4-bit codebook as integers of 7 bits: value ≈ step * level + offset, levels 0 to 127, with the step
// and offset that make the mean squared error least. The kernels multiply levels, so their error adds to the format's own:
// for nf4 it is a hundredth of that.

/** Levels are the right operand of the relaxed dot product, which has one meaning up to 127 only. */
const maxLevel = 127;

/** Steps tried, from the range / 127 up to twice that, and where level 0 may lie, in steps below the least value. */
const trials = { steps: 400, phases: 16 };

export interface Levels {
  readonly step: number;
  readonly offset: number;
  /** Uint8 [16] */
  readonly levels: Uint8Array;
  /** Root of the mean squared error over that of the values; 0 where the values are all integers of a step. */
  readonly relativeError: number;
}

/** @param values Float32 [16], finite */
export function fitLevels(values: Float32Array): Levels {
  const low = Math.min(...values);
  const range = Math.max(...values) - low;
  if (range === 0) return { step: 0, offset: low, levels: new Uint8Array(16), relativeError: 0 };
  let best = tryLevels(values, range / maxLevel, low);
  for (let s = 0; s <= trials.steps; s++) {
    const step = (range / maxLevel) * (1 + s / trials.steps);
    for (let p = 0; p < trials.phases; p++) {
      const fit = tryLevels(values, step, low - (p / trials.phases) * step);
      if (fit.relativeError < best.relativeError) best = fit;
    }
  }
  return best;
}

/** Levels by rounding, then the least-squares step and offset for them. */
function tryLevels(values: Float32Array, step: number, offset: number): Levels {
  const levels = Uint8Array.from(values, (value) => Math.min(maxLevel, Math.round((value - offset) / step)));
  const count = values.length;
  let [sumL, sumV, sumLL, sumLV] = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const level = levels[i] as number;
    const value = values[i] as number;
    sumL += level;
    sumV += value;
    sumLL += level * level;
    sumLV += level * value;
  }
  const fittedStep = (count * sumLV - sumL * sumV) / (count * sumLL - sumL * sumL);
  const fittedOffset = (sumV - fittedStep * sumL) / count;
  let [errors, squares] = [0, 0];
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    errors += (fittedStep * (levels[i] as number) + fittedOffset - value) ** 2;
    squares += value ** 2;
  }
  return { step: fittedStep, offset: fittedOffset, levels, relativeError: Math.sqrt(errors / squares) };
}
