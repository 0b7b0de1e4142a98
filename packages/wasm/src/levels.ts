// The 16 numbers of a 4-bit codebook as bytes, value ≈ step * level + offset: what the kernels multiply. The 16 of NF4 are
// missed by 0.25 % of their root mean square, a fortieth of what rounding weights to them costs; integers that span at most
// 255 are exact, as IQ4_NL's and MXFP4's.

const maxLevel = 255;

/** A codebook that is missed by more than this part of its median size is decoded to float32 instead. */
const maxRelativeError = 0.02;

export interface Levels {
  readonly step: number;
  readonly offset: number;
  /** The 16 levels, 0 to 255. */
  readonly bytes: Uint8Array;
}

interface Grid extends Levels {
  /** The sum of squared misses. */
  readonly error: number;
}

/** By the values: a model has one codebook for all matrices, as a rule; emptied when there are more than `maxKnown`. */
const known = new Map<string, Levels | null>();
const maxKnown = 64;

/**
 * The evenly spaced numbers that miss the values least.
 * @param values Float32 [16], finite
 * @returns null where the values are of too different sizes for bytes
 */
export function codebookLevels(values: Float32Array): Levels | null {
  const key = values.join();
  const levels = known.has(key) ? (known.get(key) as Levels | null) : findLevels(values);
  if (known.size >= maxKnown) known.clear();
  known.set(key, levels);
  return levels;
}

function findLevels(values: Float32Array): Levels | null {
  const least = Math.min(...values);
  const span = Math.max(...values) - least;
  if (span === 0) return { step: 1, offset: least, bytes: new Uint8Array(16) };
  let best: Grid = gridOf(values, span, least);
  for (let steps = 2; steps <= maxLevel; steps++) {
    let grid = gridOf(values, span / steps, least);
    for (let i = 0; i < 3; i++) grid = closer(values, grid);
    // rounding does not count: of equal ones the coarsest
    if (grid.error < best.error - 1e-12 * span ** 2) best = grid;
  }
  const median = values.map(Math.abs).sort()[8] as number;
  if (Math.sqrt(best.error / 16) > maxRelativeError * median) return null;
  const { step, offset, bytes } = best;
  return { step, offset, bytes };
}

/** The values' nearest levels of a grid. */
function gridOf(values: Float32Array, step: number, offset: number): Grid {
  const bytes = new Uint8Array(16);
  let error = 0;
  values.forEach((value, code) => {
    const level = Math.min(maxLevel, Math.max(0, Math.round((value - offset) / step)));
    bytes[code] = level;
    error += (value - (step * level + offset)) ** 2;
  });
  return { step, offset, bytes, error };
}

/** The grid that misses the values least if they keep their levels. */
function closer(values: Float32Array, { bytes }: Grid): Grid {
  const mean = (list: ArrayLike<number>): number => Array.from(list).reduce((sum, each) => sum + each) / 16;
  const [meanLevel, meanValue] = [mean(bytes), mean(values)];
  let [squares, products] = [0, 0];
  values.forEach((value, code) => {
    const level = (bytes[code] as number) - meanLevel;
    squares += level * level;
    products += level * (value - meanValue);
  });
  const step = products / squares;
  return gridOf(values, step, meanValue - step * meanLevel);
}
