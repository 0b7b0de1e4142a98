// Rotary position embedding: pairs of a head's dimensions turn by position * inverseFrequency; arXiv:2104.09864.
// Angles, cosines and sines are float32, as transformers has them, so that long contexts agree with it.
//
// Shapes: C head dimension, P = rotated / 2 pairs.
import type { RopeSpec } from '../backend.js';

export interface Rotation {
  /** Float32 [P], attention factor included. */
  readonly cos: Float32Array;
  /** Float32 [P], attention factor included. */
  readonly sin: Float32Array;
}

export function rotationAt(position: number, { inverseFrequencies, attentionFactor }: RopeSpec): Rotation {
  const angles = inverseFrequencies.map((frequency) => position * frequency);
  return {
    cos: angles.map(Math.cos).map((cos) => cos * attentionFactor),
    sin: angles.map(Math.sin).map((sin) => sin * attentionFactor),
  };
}

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
