// Attention as dispatches: prepare, attend, and join where keys are cut into ranges. Which workgroup takes which tokens and
// keys is decided here, from the lengths of the sequences, and sent as tables that all layers share.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension.
import {
  attentionRow,
  type QueryFactor,
  queryFactorsOf,
  type RopeSpec,
  rotationsOf,
  type Segment,
} from '@moeq/kernels';
import { attendKernel, attendPlan, itemWords, partialVectors, readsRow } from '../wgsl/attend.js';
import { type GateShape, gateName } from '../wgsl/gate.js';
import { joinKernel, joinWords } from '../wgsl/join.js';
import { type AttentionShape, prepareKernel, shapeName, vectorsOf } from '../wgsl/prepare.js';
import type { Emitter } from './dispatch-matrix.js';
import type { GraphNode } from './graph.js';
import { type Operand, Transient } from './program.js';
import type { Results } from './results.js';

/** Keys that one workgroup goes through where more workgroups are wanted than there are heads and tokens. */
const rangeKeys = 256;

/** Workgroups that keep a large device busy. */
const enoughWorkgroups = 64;

/** Sees everything; positions and windows add up within 31 bits. */
const unlimited = 0x3fffffff;

interface Tiling {
  /** Words of all items. */
  readonly items: Uint32Array;
  readonly count: number;
  /** null: every item has all keys of its tokens. */
  readonly joins: Uint32Array | null;
  readonly partialRows: number;
}

export function emitAttention(
  emitter: Emitter,
  node: GraphNode<'attention'>,
  results: Results,
  workgroupMemory: number,
): void {
  const { program, kernels } = emitter;
  const { x, cache, layer, segments, spec, norms, sinks } = node.operation;
  const qkv = results.of(x);
  const { heads, kvHeads, headDim, rope, clip, scale, window, gate = null } = spec;
  const { pageSize, valueDim = headDim } = cache.spec;
  const shape = { headDim, valueDim, cache: cache.dtype };
  const keys = cache.keys[layer] as GPUBuffer;
  const values = cache.values[layer] as GPUBuffer;
  const { tables } = program;

  const { keysInCache = false } = spec;
  const fresh = !keysInCache && segments.every(({ tokens }) => tokens === 1);
  const { columns: rowWidth, queryStride, keysAt, valuesAt, ...parts } = attentionRow(spec, valueDim);
  const preparation = {
    ...{ rowWidth, queryStride, keysAt, valuesAt, gateAt: parts.gateAt, gateStride: parts.gateStride },
    cacheRows: fresh ? 0 : tables.addOnce(segments, `rows ${pageSize}`, () => cacheRows(segments, pageSize)),
    rotations: rope === null ? 0 : rotationWords(tables, segments, rope),
    pairs: rope?.inverseFrequencies.length ?? 0,
    interleaved: rope?.style === 'interleaved' ? 1 : 0,
    queryNorm: normMode(spec.queryNorm?.over),
    keyNorm: normMode(spec.keyNorm?.over),
    normsTurned: spec.normsTurned === true ? 1 : 0,
    ...factorWords(tables, segments, spec.queryFactor),
    queryEpsilon: spec.queryNorm?.epsilon ?? 0,
    keyEpsilon: spec.keyNorm?.epsilon ?? 0,
    valueNorm: spec.valueNorm === undefined ? 0 : 1,
    valueEpsilon: spec.valueNorm?.epsilon ?? 0,
    clip: clip ?? 0,
    scale,
  };
  const weights = [norms.query?.buffer ?? emitter.empty, norms.key?.buffer ?? emitter.empty];
  const queries = fresh ? null : new Transient('queries', 16 * node.rows * heads * vectorsOf(headDim));
  if (queries !== null) {
    const kernel = kernels.get(`prepare ${shapeName(shape)}`, () => prepareKernel(shape));
    const operands = [qkv, queries, keys, values, ...weights, 'tables'] as const;
    const uniforms = { ...preparation, heads, kvHeads, pageSize };
    program.dispatch(kernel, uniforms, operands, [heads + (keysInCache ? 0 : 2 * kvHeads), node.rows]);
  }
  attend(emitter, {
    ...{
      shape,
      segments,
      heads,
      kvHeads,
      pageSize,
      fresh,
      preparation,
      weights,
      keys,
      values,
      workgroupMemory,
    },
    queries: queries ?? qkv,
    sinks: sinks?.buffer ?? null,
    ...(gate !== null && { gate, row: qkv }),
    out: results.make(node),
    ...(window !== undefined && { window, chunked: spec.chunked === true }),
  });
}

/** What of the fields of `prepare` matters to queries that have been prepared. */
const prepared = {
  ...{ cacheRows: 0, rotations: 0, pairs: 0, interleaved: 0, queryNorm: 0, keyNorm: 0 },
  ...{ queryEpsilon: 0, keyEpsilon: 0, valueNorm: 0, valueEpsilon: 0, clip: 0, scale: 1 },
  ...{ normsTurned: 0, factors: 0, hasFactors: 0 },
  ...{ rowWidth: 0, queryStride: 0, keysAt: 0, valuesAt: 0, gateAt: 0, gateStride: 0 },
};

/** Queries, ready or `fresh`, over the keys and values of their segments. */
export interface AttendCall {
  readonly shape: AttentionShape;
  readonly segments: readonly Segment[];
  /** The row of each segment's first token; one segment after the other unless given. */
  readonly firstRows?: readonly number[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly pageSize: number;
  /** Queries are rows of qkv, and are prepared with the new keys and values on the way. */
  readonly fresh: boolean;
  readonly preparation?: typeof prepared;
  /** Of norms, where they are fresh. */
  readonly weights?: readonly GPUBuffer[];
  /** Float32 [H] */
  readonly sinks?: GPUBuffer | null;
  /** Gates of heads, in the rows of qkv. */
  readonly gate?: GateShape;
  readonly row?: Transient;
  readonly window?: number;
  /** The window begins at multiples of itself. */
  readonly chunked?: boolean;
  readonly queries: Transient;
  readonly keys: Operand;
  /** null: they are the beginning of the keys. */
  readonly values: Operand | null;
  readonly out: Transient;
  readonly workgroupMemory: number;
}

/** Attends, and joins what ranges of keys give where there are several. */
export function attend({ program, kernels }: Emitter, call: AttendCall): void {
  const { shape, segments, heads, kvHeads, pageSize, fresh, workgroupMemory } = call;
  const { preparation = prepared, weights = [], window = unlimited, queries, keys, values, out } = call;
  const { sinks = null, gate = null, row, chunked = false } = call;
  const { valueDim } = shape;
  const { tables } = program;
  const name = shapeName(shape);
  const plan = kernels.get(`plan ${name} ${heads / kvHeads} ${fresh}`, () =>
    attendPlan(shape, heads / kvHeads, fresh, workgroupMemory),
  );
  const columns = heads / plan.heads;
  const tiling = tile(
    segments,
    call.firstRows ?? rowsBefore(segments),
    plan.tokens,
    { window, chunked },
    columns,
  );
  const ranges = tiling.joins !== null;
  const tilingKey = `${plan.tokens} ${window}${chunked ? ' chunked' : ''} ${columns}`;
  const partial = ranges
    ? new Transient('ranges', 16 * tiling.partialRows * heads * partialVectors(valueDim))
    : null;
  const options = { ...shape, ...plan, ranges, fresh, sinks: sinks !== null, gate };
  program.dispatch(
    kernels.get(
      `attend ${name} ${plan.heads} ${plan.tokens} ${plan.tile} ${ranges} ${fresh} ${options.sinks}${gateName(gate)}`,
      () => attendKernel(options),
    ),
    {
      ...{ ...preparation, heads, kvHeads, pageSize, window, chunked: chunked ? 1 : 0 },
      items: tables.addOnce(segments, `items ${tilingKey}`, () => items(tiling, segments, tables)),
    },
    [
      queries,
      keys,
      ...(values === null ? [] : [values]),
      'tables',
      partial ?? out,
      ...(fresh ? weights : []),
      ...(sinks === null ? [] : [sinks]),
      ...(readsRow(options) && row !== undefined ? [row] : []),
    ],
    [columns, tiling.count],
  );
  if (partial === null || tiling.joins === null) return;
  const { joins } = tiling;
  const { rowWidth, gateAt, gateStride } = preparation;
  program.dispatch(
    kernels.get(`join ${valueDim}${gateName(gate)}`, () => joinKernel(valueDim, gate)),
    {
      ...{ heads, rowWidth, gateAt, gateStride },
      joins: tables.addOnce(segments, `joins ${tilingKey}`, () => joins),
    },
    [partial, 'tables', out, ...(gate === null || row === undefined ? [] : [row])],
    [heads, joins.length / joinWords],
  );
}

const normMode = (over: 'head' | 'all' | undefined): number =>
  over === undefined ? 0 : over === 'head' ? 1 : 2;

/** Row of the cache of every token. */
export function cacheRows(segments: readonly Segment[], pageSize: number): Uint32Array {
  const rows = segments.flatMap(({ pages, start, tokens }) =>
    Array.from({ length: tokens }, (_, i) => {
      const position = start + i;
      return (pages[Math.floor(position / pageSize)] as number) * pageSize + (position % pageSize);
    }),
  );
  return Uint32Array.from(rows);
}

function rotationKey({ inverseFrequencies, attentionFactor }: RopeSpec): string {
  return `rotations ${attentionFactor} ${inverseFrequencies.join()}`;
}

/** The word of `tables` at which cosines and sines begin. */
export function rotationWords(
  tables: Emitter['program']['tables'],
  segments: readonly Segment[],
  rope: RopeSpec,
): number {
  return tables.addOnce(segments, rotationKey(rope), () => rotations(segments, rope));
}

/** The word of `tables` at which factors on the queries of every token begin, and whether there are any. */
export function factorWords(
  tables: Emitter['program']['tables'],
  segments: readonly Segment[],
  factor: QueryFactor | undefined,
): { readonly factors: number; readonly hasFactors: number } {
  if (factor === undefined) return { factors: 0, hasFactors: 0 };
  const { slope, every, offset } = factor;
  const words = (): Uint32Array => new Uint32Array(queryFactorsOf(segments, factor).buffer);
  return {
    factors: tables.addOnce(segments, `factors ${slope} ${every} ${offset}`, words),
    hasFactors: 1,
  };
}

/** Cosines then sines of every token, float32 bits. */
function rotations(segments: readonly Segment[], rope: RopeSpec): Uint32Array {
  const { pairs, cos, sin } = rotationsOf(segments, rope);
  const values = new Float32Array(cos.length + sin.length);
  for (let at = 0; at < cos.length; at += pairs) {
    values.set(cos.subarray(at, at + pairs), 2 * at);
    values.set(sin.subarray(at, at + pairs), 2 * at + pairs);
  }
  return new Uint32Array(values.buffer);
}

/** The row of each segment's first token. */
function rowsBefore(segments: readonly Segment[]): number[] {
  let row = 0;
  return segments.map(({ tokens }) => {
    row += tokens;
    return row - tokens;
  });
}

/** Items as words, with 3: the segment's index, in place of its pages. */
function tile(
  segments: readonly Segment[],
  firstRows: readonly number[],
  tokens: number,
  { window, chunked }: { readonly window: number; readonly chunked: boolean },
  columns: number,
): Tiling {
  const tiles = segments.flatMap(({ start, tokens: count }, segment) => {
    const row = firstRows[segment] as number;
    return Array.from({ length: Math.ceil(count / tokens) }, (_, i) => {
      const first = i * tokens;
      const rows = Math.min(tokens, count - first);
      const position = start + first;
      return {
        row: row + first,
        position,
        rows,
        segment,
        begin: chunked ? position - (position % window) : Math.max(0, position - window + 1),
        end: position + rows,
      };
    });
  });
  const wanted = Math.ceil(enoughWorkgroups / Math.max(1, tiles.length * columns));
  const longest = tiles.reduce((most, { begin, end }) => Math.max(most, end - begin), 0);
  const mostRanges = Math.min(wanted, Math.ceil(longest / rangeKeys));
  const words: number[] = [];
  const joins: number[] = [];
  let partialRows = 0;
  for (const { row, position, rows, segment, begin, end } of tiles) {
    const count = Math.max(1, Math.min(mostRanges, Math.ceil((end - begin) / rangeKeys)));
    const keys = Math.ceil((end - begin) / count);
    for (let r = 0; r < count; r++) {
      const from = begin + r * keys;
      const to = Math.min(end, from + keys);
      words.push(row, position, rows, segment, from, to, partialRows + r * rows, r === 0 ? 1 : 0);
    }
    for (let t = 0; t < rows; t++) joins.push(partialRows + t, count, rows, row + t);
    partialRows += rows * count;
  }
  return {
    items: Uint32Array.from(words),
    count: words.length / itemWords,
    joins: mostRanges > 1 ? Uint32Array.from(joins) : null,
    partialRows,
  };
}

/** The items, with the word at which the pages of each begin. */
function items(
  { items: words }: Tiling,
  segments: readonly Segment[],
  tables: Emitter['program']['tables'],
): Uint32Array {
  const pages = segments.map((segment, index) =>
    tables.addOnce(segments, `pages ${index}`, () => Uint32Array.from(segment.pages)),
  );
  const filled = words.slice();
  for (let at = 3; at < filled.length; at += itemWords) filled[at] = pages[filled[at] as number] as number;
  return filled;
}
