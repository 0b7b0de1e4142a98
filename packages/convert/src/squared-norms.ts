// Squared Frobenius norms of weights and of what quantizing changes, summed in float64.
import type { SquaredNorms } from '@moeq/tensors';

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
