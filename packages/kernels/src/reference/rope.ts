// Rotary position embedding, the turning of a head.
//
// Shapes: C head dimension, P = rotated / 2 pairs.
import type { RopeSpec } from '../backend.js';
import type { Rotation } from '../rotation.js';

/** Turns one head [C] in place; dimensions from 2P on stay. */
export function rotate(head: Float32Array, { cos, sin }: Rotation, style: RopeSpec['style']): void {
  const pairs = cos.length;
  for (let i = 0; i < pairs; i++) {
    const first = style === 'halves' ? i : 2 * i;
    const second = style === 'halves' ? i + pairs : 2 * i + 1;
    const x = head[first] as number;
    const y = head[second] as number;
    head[first] = x * (cos[i] as number) - y * (sin[i] as number);
    head[second] = y * (cos[i] as number) + x * (sin[i] as number);
  }
}
