// Rotary position embedding: rotates the pairs of a head.
//
// Shapes: C head dimension, P = rotated / 2 pairs.
import type { Rotations } from '../rotation.js';
import type { RopeSpec } from '../step.js';

/** Turns one head [C] in place by the first P angles; dimensions from 2P on stay. */
export function rotate(
  head: Float32Array,
  { pairs, cos, sin }: Pick<Rotations, 'pairs' | 'cos' | 'sin'>,
  style: RopeSpec['style'],
): void {
  for (let i = 0; i < pairs; i++) {
    const first = style === 'halves' ? i : 2 * i;
    const second = style === 'halves' ? i + pairs : 2 * i + 1;
    const x = head[first] as number;
    const y = head[second] as number;
    head[first] = x * (cos[i] as number) - y * (sin[i] as number);
    head[second] = y * (cos[i] as number) + x * (sin[i] as number);
  }
}
