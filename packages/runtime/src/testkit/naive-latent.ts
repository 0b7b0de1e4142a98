// Latent attention again, in float64 and as DeepSeek-V2 writes it (arXiv 2405.04434): keys and values of all heads are made of
// the latents, then every head attends.
//
// Shapes: T tokens, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.

import type { QueryFactor } from '@moeq/kernels';
import type { Slot } from '../decoder/decoder-tensors.js';
import type { LatentConfig } from '../decoder/latent.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import {
  add,
  at,
  chunks,
  dot,
  type Matrix,
  multiply,
  type Row,
  rmsNorm,
  scaled,
  softmax,
  sum,
} from './rows.js';

/** What it reads of a layer. */
export interface NaiveWeights {
  matrix(slot: Slot): Promise<Matrix>;
  vector(slot: Slot): Promise<Row>;
  norm(slot: Slot): Promise<Row>;
}

export async function latentAttention(
  { matrix, vector, norm }: NaiveWeights,
  config: LatentConfig,
  inputs: Matrix,
  rotate: (rope: RopeConfig | null, part: Row, position: number) => Row,
): Promise<Matrix> {
  const { heads, queryLatentDim, nopeDim, ropeDim, latentDim, valueDim, scale, rope, normEpsilon } = config;
  const project = async (slot: Slot, rows: Matrix, bias: Slot | null = null): Promise<Matrix> => {
    const weight = await matrix(slot);
    const added = bias === null || !config.bias ? null : await vector(bias);
    return rows.map((row) => (added === null ? multiply(weight, row) : add(multiply(weight, row), added)));
  };
  const normed = async (slot: Slot, rows: Matrix): Promise<Matrix> => {
    const weight = await norm(slot);
    return rows.map((row) => rmsNorm(row, weight, normEpsilon));
  };

  const queries =
    queryLatentDim === null
      ? await project('latentQuery', inputs)
      : await project(
          'queryUp',
          await normed('queryDownNorm', await project('queryDown', inputs, 'queryDownBias')),
        );
  const down = await project('latentDown', inputs, 'latentDownBias');
  const latents = await normed(
    'latentNorm',
    down.map((row) => row.slice(0, latentDim)),
  );
  const common = down.map((row, t) => rotate(rope, row.slice(latentDim), t)); // [T][P]
  const expanded = (await project('latentUp', latents)).map((row) => chunks(row, nopeDim + valueDim)); // [T][H][N + V]

  const mixed = queries.map((row, token) =>
    chunks(scaled(row, growth(config.queryFactor, token)), nopeDim + ropeDim).flatMap((query, head) => {
      const turned = rotate(rope, query.slice(nopeDim), token);
      const seen = Array.from({ length: token + 1 }, (_, t) => t);
      const own = (t: number): Row => expanded[t]?.[head] ?? [];
      const shares = softmax(
        seen.map((t) => scale * (dot(query.slice(0, nopeDim), own(t)) + dot(turned, common[t] ?? []))),
      );
      return Array.from({ length: valueDim }, (_, c) =>
        sum(seen.map((t, i) => at(shares, i) * at(own(t), nopeDim + c))),
      );
    }),
  );
  if (mixed.some((row) => row.length !== heads * valueDim)) throw new Error('heads of another size');
  return project('latentOutput', mixed, 'latentOutputBias');
}

/** What queries at a position are multiplied by (arXiv 2501.19399). */
export function growth(factor: QueryFactor | undefined, position: number): number {
  if (factor === undefined) return 1;
  return 1 + factor.slope * Math.log(1 + Math.floor((position + factor.offset) / factor.every));
}
