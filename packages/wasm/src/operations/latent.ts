// Latent attention in a program.
//
// Shapes: T tokens, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { LatentSpec, Segment } from '@moeq/kernels';
import { bytesOf, rowsRecord } from '../abi/records.js';
import type { Recorded } from '../graph.js';
import { latentCacheShape } from '../kv-cache.js';
import { latentPlan } from '../latent-plan.js';
import type { LoadedCache, LoadedHeads, LoadedVector } from '../loaded.js';
import { longestShare } from '../share.js';
import type { Value } from '../value.js';
import { noFactor } from './attention.js';

/** @param rotation cosines and sines of all tokens; null: none */
export function latentAttention(
  queries: Value,
  latents: Value,
  { matrix }: LoadedHeads,
  cache: LoadedCache,
  layer: number,
  segments: readonly Segment[],
  spec: LatentSpec,
  norm: LoadedVector,
  rotation: Value | null,
): Recorded {
  const { heads, nopeDim, ropeDim, latentDim, valueDim, rope, scale } = spec;
  const tokens = latents.rows;
  const width = heads * valueDim;
  return {
    rows: tokens,
    columns: width,
    inputs: rotation === null ? [queries, latents] : [queries, latents, rotation],
    emit(program) {
      const { threads } = program.store;
      const { pageBytes, layerBytes } = latentCacheShape(cache.spec, threads);
      const own = longestShare(heads, threads);
      const most = (of: (segment: Segment) => number) => Math.max(...segments.map(of));
      const pageCount = most(({ pages }) => pages.length);
      const cos = rotation === null ? 0 : program.addressOf(rotation);
      const pairs = rotation === null ? 0 : rotation.columns / 2;
      const source = program.sharesOf(queries, [{ first: 0, count: heads, size: nopeDim + ropeDim }]);
      const rows = program.addressOf(latents);
      const rooms = {
        record: program.allocate(bytesOf(rowsRecord) / 4),
        addresses: program.allocate(pageCount),
        tile: program.allocate(16),
        staging: program.allocate(threads === 1 ? 1 : (pageCount * pageBytes) / 4),
        work: program.allocate(
          most(({ start, tokens: count }) => latentPlan(spec, own, start, count).end) / 4,
        ),
      };
      const out = program.allocate(tokens * width);
      // threads write to the cache and meet before they read what others have written
      program.barrier();
      program.emit('latentAttention', {
        queries: source,
        latents: rows,
        expansion: matrix.record,
        ...{ heads, nopeDim, ropeDim, latentDim, valueDim, scale },
        queryFactor: spec.queryFactor ?? noFactor,
        cos,
        sin: cos + 4 * tokens * pairs,
        pairs,
        interleaved: rope?.style === 'interleaved',
        normWeight: norm.address,
        epsilon: spec.norm.epsilon,
        cache: cache.address + layerBytes * layer,
        pageSize: cache.spec.pageSize,
        pageBytes,
        ...rooms,
        out,
        segments: segments.map(({ start, tokens: count, pages }) => ({
          start,
          tokens: count,
          pages: pages.length,
        })),
        pages: segments.flatMap(({ pages }) => [...pages]),
      });
      for (const room of Object.values(rooms)) program.free(room);
      program.gather(out, tokens, width, [{ first: 0, count: heads, size: valueDim }]);
      return out;
    },
  };
}
