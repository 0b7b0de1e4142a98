// Rotary position embedding, the angles: pairs of a head's dimensions turn by position * inverseFrequency; arXiv:2104.09864.
// Angles, cosines and sines are float32, as transformers has them, so that long contexts agree with it.
//
// Shapes: P = rotated / 2 pairs.
import type { RopeSpec, Segment } from './backend.js';

export interface Rotation {
  /** Float32 [P], attention factor included. */
  readonly cos: Float32Array;
  /** Float32 [P], attention factor included. */
  readonly sin: Float32Array;
}

/** How the tokens of a segment turn: by its own frequencies where it has them. */
export function ropeOfSegment({ inverseFrequencies }: Segment, rope: RopeSpec): RopeSpec {
  return inverseFrequencies === undefined ? rope : { ...rope, inverseFrequencies };
}

/** Cosines and sines of one position. */
export function rotationAt(position: number, { inverseFrequencies, attentionFactor }: RopeSpec): Rotation {
  const angles = inverseFrequencies.map((frequency) => position * frequency);
  return {
    cos: angles.map(Math.cos).map((cos) => cos * attentionFactor),
    sin: angles.map(Math.sin).map((sin) => sin * attentionFactor),
  };
}
