// How latent attention of one segment is computed, and the room that it takes in each thread: in which form costs fewer
// multiplications. The same on the host, which sets room aside, and in the workers.
//   absorbed: queries meet latents, N dimensions become R; what heads see of the latents is expanded in the end
//   expanded: keys and values of a head are made of all latents, then its queries meet them
//
// Shapes: T tokens, L positions, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import { paddedToEight, rowsScratchBytes } from './abi/sizes.js';

export interface LatentShape {
  readonly heads: number;
  readonly nopeDim: number;
  readonly ropeDim: number;
  readonly latentDim: number;
  readonly valueDim: number;
}

export interface LatentPlan {
  readonly expands: boolean;
  /** Float32 of a row of the cache: R + P filled up to whole vectors. */
  readonly rowFloats: number;
  /** Of a query or key as `attendRows` takes it, and of a row of keys and values. */
  readonly keyFloats: number;
  readonly expandedFloats: number;
  /** Where outputs of heads, latents [L, R] and expanded rows begin in the room, behind the queries, in bytes; and its end. */
  readonly outs: number;
  readonly latents: number;
  readonly expanded: number;
  readonly scratch: number;
  readonly end: number;
}

/**
 * @param heads of a thread
 * @param start positions before the segment's first token
 */
export function latentPlan(shape: LatentShape, heads: number, start: number, tokens: number): LatentPlan {
  const { nopeDim, ropeDim, latentDim, valueDim } = shape;
  const positions = start + tokens;
  const pairs = tokens * start + (tokens * (tokens + 1)) / 2;
  const rowFloats = paddedToEight(latentDim + ropeDim);
  const perPosition = latentDim * (nopeDim + valueDim);
  const absorbed = tokens * perPosition + pairs * (2 * latentDim + ropeDim);
  const expands = positions * perPosition + pairs * (nopeDim + ropeDim + valueDim) < absorbed;

  const keyFloats = expands ? paddedToEight(nopeDim + ropeDim) : rowFloats;
  const expandedFloats = keyFloats + paddedToEight(valueDim);
  const sizes = expands
    ? {
        queries: tokens * keyFloats,
        outs: 0,
        latents: positions * latentDim,
        expanded: positions * expandedFloats,
      }
    : { queries: heads * tokens * keyFloats, outs: heads * tokens * latentDim, latents: 0, expanded: 0 };
  const outs = 4 * sizes.queries;
  const latents = outs + 4 * sizes.outs;
  const expanded = latents + 4 * sizes.latents;
  const scratch = expanded + 4 * sizes.expanded;
  const end = scratch + rowsScratchBytes(expands ? valueDim : latentDim, positions);
  return { expands, rowFloats, keyFloats, expandedFloats, outs, latents, expanded, scratch, end };
}
