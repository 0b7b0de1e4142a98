// Rotary position embedding, the angles: pairs of dimensions of a head rotate by position * inverseFrequency; arXiv:2104.09864.
// Angles, cosines and sines are float32, as transformers has them, so that long contexts agree with it.
//
// Shapes: T tokens, P = rotated / 2 pairs.
import type { RopeSpec, Segment } from './step.js';

/** Factor of the rotation included. */
export interface Rotations {
  /** T */
  readonly tokens: number;
  /** P */
  readonly pairs: number;
  /** Float32 [T, P] */
  readonly cos: Float32Array;
  /** Float32 [T, P] */
  readonly sin: Float32Array;
}

/** Cosines and sines of all tokens of some segments, which turn by their own frequencies where they have them. */
export function rotationsOf(segments: readonly Segment[], rope: RopeSpec): Rotations {
  const pairs = rope.inverseFrequencies.length;
  const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
  const cos = new Float32Array(tokens * pairs);
  const sin = new Float32Array(tokens * pairs);
  let at = 0;
  for (const { start, tokens: count, inverseFrequencies = rope.inverseFrequencies } of segments) {
    for (let position = start; position < start + count; position++) {
      for (let pair = 0; pair < pairs; pair++, at++) {
        const angle = Math.fround(position * (inverseFrequencies[pair] as number));
        cos[at] = Math.fround(Math.cos(angle)) * rope.attentionFactor;
        sin[at] = Math.fround(Math.sin(angle)) * rope.attentionFactor;
      }
    }
  }
  return { tokens, pairs, cos, sin };
}
