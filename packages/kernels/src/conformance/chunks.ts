// Steps of attention in cases: how many tokens each sequence gets, and the rotations of positions.
import type { RopeSpec } from '../step.js';

/** Tokens that a sequence gets in one step; from `start` on where it is given, else after what it has. */
export interface Chunk {
  readonly sequence: number;
  readonly tokens: number;
  readonly start?: number;
  /** Factor on the frequencies, which are the segment's own then. */
  readonly stretch?: number;
}

/** Steps of one sequence. */
export const alone = (...tokens: number[]): Chunk[][] =>
  tokens.map((count) => [{ sequence: 0, tokens: count }]);

/** A prompt that ends inside a page, then one token at a time across the page's end. */
export const promptAndDecode = alone(14, 1, 1, 1, 1, 5);

export function ropeOf(
  rotated: number,
  style: RopeSpec['style'] = 'halves',
  attentionFactor = 1,
  theta = 10_000,
): RopeSpec {
  const inverseFrequencies = Float32Array.from(
    { length: rotated / 2 },
    (_, i) => theta ** ((-2 * i) / rotated),
  );
  return { inverseFrequencies, attentionFactor, style };
}

export function stretched(rope: RopeSpec, factor: number): RopeSpec {
  return { ...rope, inverseFrequencies: rope.inverseFrequencies.map((frequency) => frequency * factor) };
}
