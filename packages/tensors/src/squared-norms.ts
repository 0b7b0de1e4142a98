// Squared Frobenius norms of weights and of what quantizing changes, summed in float64.

/** Squared Frobenius norms of a matrix, or of many: they add up. */
export interface SquaredNorms {
  readonly weights: number;
  /** Of the weights minus what their codes say. */
  readonly difference: number;
}

/** @param weights Float32, as read. @param decoded Float32 of the same length, as its codes say. */
export function squaredNorms(weights: Float32Array, decoded: Float32Array): SquaredNorms {
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < weights.length; i++) {
    const value = weights[i] as number;
    const difference = value - (decoded[i] as number);
    sum += value * value;
    lost += difference * difference;
  }
  return { weights: sum, difference: lost };
}

/** Norms of many matrices, or parts of one, together. */
export function addNorms(norms: Iterable<SquaredNorms>): SquaredNorms {
  let [weights, difference] = [0, 0];
  for (const part of norms) {
    weights += part.weights;
    difference += part.difference;
  }
  return { weights, difference };
}

/**
 * ||W - Q(W)|| / ||W|| in the Frobenius norm: 0 where nothing was lost, infinite where all-zero weights became something else,
 * NaN where a sum is none.
 */
export function relativeError({ weights, difference }: SquaredNorms): number {
  return difference === 0 && weights >= 0 ? 0 : Math.sqrt(difference / weights);
}
