// Attention in a program.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension, P rotated pairs.
import {
  type AttentionRow,
  type AttentionSpec,
  attentionRow,
  type NormSpec,
  type RopeSpec,
  rotationsOf,
  type Segment,
} from '@moeq/kernels';
import type { Values } from '../abi/fields.js';
import type { Instructions } from '../abi/instructions.js';
import { bytesOf, cacheRecord } from '../abi/records.js';
import { attentionScratchBytes } from '../abi/sizes.js';
import type { Recorded } from '../graph.js';
import { cacheShape } from '../kv-cache.js';
import type { LoadedCache, LoadedVector } from '../loaded.js';
import type { SharedColumns } from '../program.js';
import type { Value } from '../value.js';
import { input } from './basic.js';

/** Float32 [T, P] cosines, then Float32 [T, P] sines, for all layers that rotate alike. */
export function rotations(rope: RopeSpec, segments: readonly Segment[]): Recorded {
  const { tokens, pairs, cos, sin } = rotationsOf(segments, rope);
  const values = new Float32Array(cos.length + sin.length);
  values.set(cos);
  values.set(sin, cos.length);
  return input(values, tokens, 2 * pairs);
}

export const noFactor = { slope: 0, every: 0, offset: 0 };

export interface LoadedNorms {
  readonly query: LoadedVector | null;
  readonly key: LoadedVector | null;
}

/**
 * @param sinks Float32 [H]; null: none
 * @param rotation cosines and sines of all tokens; null: none
 */
export function attention(
  qkv: Value,
  cache: LoadedCache,
  layer: number,
  segments: readonly Segment[],
  spec: AttentionSpec,
  norms: LoadedNorms,
  sinks: LoadedVector | null,
  rotation: Value | null,
): Recorded {
  const { heads, kvHeads, headDim, rope, scale, window = 0, clip } = spec;
  const { pageSize, valueDim = headDim } = cache.spec;
  const tokens = qkv.rows;
  const width = heads * valueDim;
  return {
    rows: tokens,
    columns: width,
    inputs: rotation === null ? [qkv] : [qkv, rotation],
    emit(program) {
      const cos = rotation === null ? 0 : program.addressOf(rotation);
      const pairs = rotation === null ? 0 : rotation.columns / 2;
      const queries = program.allocate(tokens * heads * headDim);
      const key = program.allocate(kvHeads * headDim + valueDim);
      const tile = program.allocate(20);
      const scratch = program.allocate(scratchFloats(cache, segments));
      const out = program.allocate(tokens * width);
      const row = attentionRow(spec, valueDim);
      const source = program.sharesOf(qkv, columnsOfHeads(spec, valueDim, row));
      program.emit('attention', {
        qkv: source,
        row,
        heads,
        kvHeads,
        headDim,
        valueDim,
        cos,
        sin: cos + 4 * tokens * pairs,
        pairs,
        interleaved: rope?.style === 'interleaved',
        scale,
        window,
        chunked: spec.chunked === true,
        queryFactor: spec.queryFactor ?? noFactor,
        clips: clip !== undefined,
        clip: clip ?? 0,
        queryNorm: normOperands(spec.queryNorm, norms.query),
        keyNorm: normOperands(spec.keyNorm, norms.key),
        normsTurned: spec.normsTurned === true,
        valueNorms: spec.valueNorm !== undefined,
        valueEpsilon: spec.valueNorm?.epsilon ?? 0,
        keysInCache: spec.keysInCache === true,
        sinks: sinks?.address ?? 0,
        gate: spec.gate?.kind ?? 'sigmoid',
        records: cache.records + bytesOf(cacheRecord) * cache.headsAThread * layer,
        pageSize,
        queries,
        key,
        tile,
        scratch,
        out,
        segments: segments.map(({ start, tokens: count, pages }) => ({
          start,
          tokens: count,
          pages: pages.length,
        })),
        pages:
          segments.length === 1
            ? (segments[0] as Segment).pages
            : segments.flatMap(({ pages }) => [...pages]),
      });
      for (const each of [queries, key, tile, scratch]) program.free(each);
      const group = heads / kvHeads;
      program.gather(out, tokens, width, [{ first: 0, count: kvHeads, size: group * valueDim }]);
      return out;
    },
  };
}

/** What a thread reads of a row: what is of its key/value heads, unless norms are over all heads. */
function columnsOfHeads(
  { heads, kvHeads, headDim, queryNorm, keyNorm, gate, keysAsValues, keysInCache }: AttentionSpec,
  valueDim: number,
  { queryStride, keysAt, valuesAt, gateAt, gateStride }: AttentionRow,
): SharedColumns[] {
  if (queryNorm?.over === 'all' || keyNorm?.over === 'all') return [];
  const group = heads / kvHeads;
  return [
    { first: 0, count: kvHeads, size: group * queryStride },
    ...(keysInCache === true ? [] : [{ first: keysAt, count: kvHeads, size: headDim }]),
    ...(keysAsValues === true || keysInCache === true
      ? []
      : [{ first: valuesAt, count: kvHeads, size: valueDim }]),
    ...(gate?.placed === 'last' ? [{ first: gateAt, count: kvHeads, size: group * gateStride }] : []),
  ];
}

function normOperands(
  norm: (NormSpec & { readonly over: 'head' | 'all' }) | undefined,
  weight: LoadedVector | null,
): Values<Instructions['attention']['queryNorm']> {
  if (norm === undefined || weight === null) return { over: 'none', weight: 0, epsilon: 0 };
  return { over: norm.over, weight: weight.address, epsilon: norm.epsilon };
}

/** Queries, outputs, scores, weights and sums of four over the longest sequence: assembly/attention.ts. */
function scratchFloats({ spec }: LoadedCache, segments: readonly Segment[]): number {
  const { headDim, paddedSize, paddedValueDim } = cacheShape(spec);
  const positions = Math.max(0, ...segments.map(({ start, tokens }) => start + tokens));
  const numbers = (Math.ceil(positions / spec.pageSize) + 1) * paddedSize;
  return attentionScratchBytes(headDim, paddedValueDim, numbers) / 4;
}
