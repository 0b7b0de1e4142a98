// Latent attention by its definition: keys and values of every position are expanded from its latent, then every head attends.
// Scores and sums are float64.
//
// Shapes: T tokens, L positions, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import { queryFactorAt } from '../query-factor.js';
import { type Rotations, rotationsOf } from '../rotation.js';
import type { LatentSpec, Segment } from '../step.js';
import type { PagedCache } from './kv-cache.js';
import { cacheRow } from './kv-cache.js';
import { linear } from './linear.js';
import type { StackedMatrix } from './matrix.js';
import { rmsNorm } from './rms-norm.js';
import { rotate } from './rope.js';

/**
 * Writes the new latents to `layer` of the cache and attends.
 * @param queries Float32 [T, H (N + P)]
 * @param latents Float32 [T, R + P]
 * @param expansion [H (N + V), R]
 * @param normWeight Float32 [R]
 * @returns Float32 [T, H V]
 */
export function attendLatents(
  queries: Float32Array,
  latents: Float32Array,
  expansion: StackedMatrix,
  cache: PagedCache,
  layer: number,
  segments: readonly Segment[],
  spec: LatentSpec,
  normWeight: Float32Array,
): Float32Array {
  const { heads, nopeDim, ropeDim, latentDim, valueDim, rope, norm, queryFactor } = spec;
  const rotations = rope === null ? null : rotationsOf(segments, rope);
  const rows = cache.keys[layer] as Float32Array;
  const width = latentDim + ropeDim;
  const queryDim = nopeDim + ropeDim;
  const output = new Float32Array((latents.length / width) * heads * valueDim);
  const turn = (part: Float32Array, token: number): void => {
    if (rotations !== null) rotate(part, ofToken(rotations, token), rope?.style ?? 'halves');
  };

  let first = 0;
  for (const { pages, start, tokens } of segments) {
    const rowOf = (position: number): number => cacheRow(pages, cache.spec.pageSize, position);
    for (let i = 0; i < tokens; i++) {
      const row = latents.slice((first + i) * width, (first + i + 1) * width);
      const latent = row.subarray(0, latentDim);
      rmsNorm(latent, normWeight, norm.epsilon, latent);
      turn(row.subarray(latentDim), first + i);
      rows.set(row, rowOf(start + i) * width);
    }

    const positions = Array.from({ length: start + tokens }, (_, position) => rowOf(position) * width);
    const seen = new Float32Array(positions.length * latentDim);
    positions.forEach((at, position) => {
      seen.set(rows.subarray(at, at + latentDim), position * latentDim);
    });
    const expanded = linear(seen, expansion); // [L, H (N + V)]
    const turned = positions.map((at) => rows.subarray(at + latentDim, at + width)); // [L][P]

    for (let i = 0; i < tokens; i++) {
      for (let head = 0; head < heads; head++) {
        const at = ((first + i) * heads + head) * queryDim;
        const factor = queryFactor === undefined ? 1 : queryFactorAt(queryFactor, start + i);
        const query = queries.slice(at, at + queryDim).map((value) => value * factor);
        turn(query.subarray(nopeDim), first + i);
        const to = ((first + i) * heads + head) * valueDim;
        const out = output.subarray(to, to + valueDim);
        attendHead(query, expanded, turned.slice(0, start + i + 1), head, spec, out);
      }
    }
    first += tokens;
  }
  return output;
}

function ofToken({ pairs, cos, sin }: Rotations, token: number) {
  return { pairs, cos: cos.subarray(token * pairs), sin: sin.subarray(token * pairs) };
}

/**
 * One head of one token over the positions that it sees.
 * @param expanded Float32 [L, H (N + V)]
 * @param turned the keys that all heads have in common: [seen] of Float32 [P]
 */
function attendHead(
  query: Float32Array,
  expanded: Float32Array,
  turned: readonly Float32Array[],
  head: number,
  { heads, nopeDim, valueDim, scale }: LatentSpec,
  out: Float32Array,
): void {
  const headRows = nopeDim + valueDim;
  const rowAt = (position: number): number => (position * heads + head) * headRows;
  const scores = turned.map((common, position) => {
    let score = 0;
    for (let c = 0; c < nopeDim; c++)
      score += (query[c] as number) * (expanded[rowAt(position) + c] as number);
    for (let c = 0; c < common.length; c++) score += (query[nopeDim + c] as number) * (common[c] as number);
    return score * scale;
  });
  const max = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const powers = scores.map((score) => Math.exp(score - max));
  const sum = powers.reduce((total, power) => total + power, 0);
  for (let c = 0; c < valueDim; c++) {
    let total = 0;
    powers.forEach((power, position) => {
      total += power * (expanded[rowAt(position) + nopeDim + c] as number);
    });
    out[c] = total / sum;
  }
}
