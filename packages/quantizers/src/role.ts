// A tensor as recipes see it: its role and projection, which are those of @moeq/tensors, and where it is.
import type { Projection, Role } from '@moeq/tensors';

export type { Projection, Role } from '@moeq/tensors';
export { projections, roles } from '@moeq/tensors';

/** One tensor as a recipe sees it. */
export interface TensorFacts {
  readonly name: string;
  readonly role: Role;
  /** Outermost first; [N, K] or [E, N, K] of matrices, [N] or [E, N] of vectors. */
  readonly shape: readonly number[];
  /** Whether it holds matrices; false for norms, biases and taps, stacked or not. Absent: it does from two axes on. */
  readonly isMatrix?: boolean;
  readonly layer?: number;
  readonly projection?: Projection;
  /** The index of a per-expert tensor; absent for fused tensors, which hold them all. */
  readonly expert?: number;
}

/** Whether a tensor holds matrices, one or stacked: what is quantized, and what coverage counts. */
export function isMatrix({ isMatrix: given, shape }: Pick<TensorFacts, 'isMatrix' | 'shape'>): boolean {
  return given ?? shape.length > 1;
}
