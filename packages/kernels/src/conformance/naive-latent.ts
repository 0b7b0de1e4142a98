// Latent attention over sequences kept as plain lists, one entry a position, as DeepSeek-V2 writes it (arXiv 2405.04434,
// equations 9 to 19): keys and values of all heads are made of the latent.
//
// Shapes: H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { LatentSpec } from '../step.js';
import { at, type Numbers } from './naive.js';
import { dot, naiveFactor, normalize, split, turn } from './naive-attention.js';

interface NaivePosition {
  /** [H][N] */
  readonly keys: number[][];
  /** [H][V] */
  readonly values: number[][];
  /** [P], turned: of all heads. */
  readonly common: number[];
}

/** One sequence in one layer. */
export type NaiveLatents = NaivePosition[];

/**
 * Adds one token at `position`, dropping what the sequence held from there on, and attends.
 * @param query H (N + P) numbers
 * @param row R + P numbers
 * @param expansion [H (N + V), R]
 * @returns H V numbers
 */
export function naiveLatentAttention(
  query: readonly number[],
  row: readonly number[],
  position: number,
  sequence: NaiveLatents,
  expansion: Numbers,
  spec: LatentSpec,
  norm: ArrayLike<number>,
): number[] {
  const { heads, nopeDim, ropeDim, latentDim, valueDim, scale, rope } = spec;
  const latent = normalize(row.slice(0, latentDim), norm, spec.norm.epsilon);
  const expanded = Array.from({ length: heads }, (_, head) =>
    Array.from({ length: nopeDim + valueDim }, (_, i) =>
      latent.reduce((sum, value, r) => sum + value * at(expansion, head * (nopeDim + valueDim) + i, r), 0),
    ),
  );
  sequence.length = position;
  sequence.push({
    keys: expanded.map((each) => each.slice(0, nopeDim)),
    values: expanded.map((each) => each.slice(nopeDim)),
    common: turn(row.slice(latentDim), position, rope),
  });
  const factor = naiveFactor(spec.queryFactor, position);
  const queries = query.map((value) => value * factor);
  return split(queries, nopeDim + ropeDim).flatMap((own, head) => {
    const turned = turn(own.slice(nopeDim), position, rope);
    const scores = sequence.map(
      ({ keys, common }) =>
        scale * (dot(own.slice(0, nopeDim), keys[head] as number[]) + dot(turned, common)),
    );
    const max = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - max));
    const sum = powers.reduce((total, power) => total + power, 0);
    return Array.from(
      { length: valueDim },
      (_, c) =>
        sequence.reduce(
          (total, { values }, i) => total + (powers[i] as number) * (values[head]?.[c] as number),
          0,
        ) / sum,
    );
  });
}
