// Relative error of a quantized matrix, ||W - Q(W)|| / ||W|| in the Frobenius norm, accumulated in float64: per matrix, by
// role, and the worst ones.
import type { Role } from '@moeq/quantizers';
import type { TensorError } from './report.js';

/** Squared norms of one matrix, or of many: they add up. */
export interface SquaredNorms {
  readonly weights: number;
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

/** 0 where nothing was lost, infinite where all-zero weights became something else. */
export function relativeError({ weights, difference }: SquaredNorms): number {
  return difference === 0 ? 0 : Math.sqrt(difference / weights);
}

export interface ErrorMeter {
  add(matrix: Omit<TensorError, 'relativeError'>, norms: SquaredNorms): void;
  /** Over the quantized matrices of a role together; 0 where there is none. */
  ofRole(role: Role): number;
  byRole(): Readonly<Partial<Record<Role, number>>>;
  /** Worst first. */
  worst(): readonly TensorError[];
}

/** @param kept how many of the worst matrices to remember */
export function errorMeter(kept = 10): ErrorMeter {
  const sums = new Map<Role, SquaredNorms>();
  const worst: TensorError[] = [];
  const ofRole = (role: Role) => relativeError(sums.get(role) ?? { weights: 0, difference: 0 });
  return {
    add(matrix, norms) {
      const before = sums.get(matrix.role) ?? { weights: 0, difference: 0 };
      sums.set(matrix.role, {
        weights: before.weights + norms.weights,
        difference: before.difference + norms.difference,
      });
      const entry = { ...matrix, relativeError: relativeError(norms) };
      const rank = worst.findIndex((other) => other.relativeError < entry.relativeError);
      worst.splice(rank < 0 ? worst.length : rank, 0, entry);
      worst.length = Math.min(worst.length, kept);
    },
    ofRole,
    byRole: () => Object.fromEntries([...sums.keys()].map((role) => [role, ofRole(role)])),
    worst: () => worst,
  };
}
