// Queries that grow with their position, so that attention over long texts stays sharp: Llama 4, and the latent attention of
// Mistral 4. https://arxiv.org/abs/2501.19399.
import type { QueryFactor, Segment } from './step.js';

/** Of a token at `position`. */
export function queryFactorAt({ slope, every, offset }: QueryFactor, position: number): number {
  return 1 + slope * Math.log1p(Math.floor((position + offset) / every));
}

/** Float32 [T], of all tokens of some segments. */
export function queryFactorsOf(segments: readonly Segment[], factor: QueryFactor): Float32Array {
  return Float32Array.from(
    segments.flatMap(({ start, tokens }) =>
      Array.from({ length: tokens }, (_, i) => queryFactorAt(factor, start + i)),
    ),
  );
}
