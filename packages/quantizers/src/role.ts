// A tensor as recipes see it: its role and projection, which are those of @moeq/tensors, and where it is.
import type { Projection, Role } from '@moeq/tensors';

export type { Projection, Role } from '@moeq/tensors';
export { projections, roles } from '@moeq/tensors';

/** One tensor as a recipe sees it. */
export interface TensorFacts {
  readonly name: string;
  readonly role: Role;
  /** Outermost first; [N, K] or [E, N, K]. */
  readonly shape: readonly number[];
  readonly layer?: number;
  readonly projection?: Projection;
  /** The index of a per-expert tensor; absent for fused tensors, which hold them all. */
  readonly expert?: number;
}
