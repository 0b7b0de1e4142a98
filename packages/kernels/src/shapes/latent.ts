// The rules that latent attention's shapes obey.
//
// Shapes: T tokens, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { HeadWeights, KvCacheSpec } from '../resources.js';
import type { LatentSpec } from '../step.js';
import { assertSize, mismatch } from './assert.js';
import { assertQueryFactor } from './attention.js';

/** Columns of latent attention. */
export interface LatentWidths {
  /** H (N + P) */
  readonly queries: number;
  /** R + P: of the latents and of a row of the cache. */
  readonly latents: number;
  /** H V */
  readonly output: number;
}

/**
 * How wide the operands of latent attention are.
 * @throws MoeqError when the specification does not fit the cache or the weights, or contradicts itself
 */
export function latentWidths(
  spec: LatentSpec,
  cache: KvCacheSpec,
  { heads, rows, columns }: Pick<HeadWeights, 'heads' | 'rows' | 'columns'>,
): LatentWidths {
  const { nopeDim, ropeDim, latentDim, valueDim, rope, norm } = spec;
  for (const [name, size] of Object.entries({ heads: spec.heads, nopeDim, ropeDim, latentDim, valueDim }))
    if (!Number.isSafeInteger(size) || size < (name === 'ropeDim' ? 0 : 1)) {
      throw mismatch('attend', name, `an integer of at least ${name === 'ropeDim' ? 0 : 1}`, `${size}`);
    }
  const latents = latentDim + ropeDim;
  assertSize('attend', 'key/value heads', 1, cache.kvHeads);
  assertSize('attend', 'numbers of a token in the cache', latents, cache.headDim);
  assertSize('attend', 'values beside the latents', 0, cache.valueDim ?? cache.headDim);
  assertSize('attend', 'heads of the weights', spec.heads, heads);
  assertSize('attend', 'rows of a head of the weights', nopeDim + valueDim, rows);
  assertSize('attend', 'columns of the weights', latentDim, columns);
  assertSize('attend', 'norm weights of the latents', latentDim, norm.weight.length);
  assertQueryFactor(spec.queryFactor);
  if (rope !== null) {
    const rotated = 2 * rope.inverseFrequencies.length;
    if (rotated > ropeDim) throw mismatch('attend', 'rotated dimensions', `at most ${ropeDim}`, `${rotated}`);
  }
  return { queries: heads * (nopeDim + ropeDim), latents, output: heads * valueDim };
}
