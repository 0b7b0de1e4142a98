// Causal grouped-query attention over a paged cache: softmax(scale * q · k) v over the positions that a token may see. The
// sink of a head is one more score, without a value: e^sink in the denominator (arXiv:2309.17453; learned in gpt-oss).
// Queries and keys are normed, clipped and rotated first; scores and sums are float64.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension, CV value dimension.

import { queryFactorAt } from '../query-factor.js';
import { type Rotations, rotationsOf } from '../rotation.js';
import { type AttentionWidths, attentionWidths } from '../shapes/attention.js';
import { type AttentionRow, attentionRow } from '../shapes/attention-row.js';
import type { AttentionSpec, NormSpec, Segment } from '../step.js';
import { gateFunctions } from './activation.js';
import type { PagedCache } from './kv-cache.js';
import { cacheRow } from './kv-cache.js';
import { rmsNorm } from './rms-norm.js';
import { rotate } from './rope.js';

/** Norm weights as the kernels read them. */
export interface AttentionNorms {
  readonly query: Float32Array | null;
  readonly key: Float32Array | null;
}

const none = new Float32Array();

/**
 * Writes the new keys and values to `layer` of the cache and attends.
 * @param qkv Float32 [T, H C + HK C + HK CV]
 * @param sinks Float32 [H]; null: none
 * @returns Float32 [T, H * CV]
 */
export function attend(
  qkv: Float32Array,
  cache: PagedCache,
  layer: number,
  segments: readonly Segment[],
  spec: AttentionSpec,
  norms: AttentionNorms,
  sinks: Float32Array | null,
): Float32Array {
  const widths = attentionWidths(spec, cache.spec);
  const rotations = spec.rope === null ? null : rotationsOf(segments, spec.rope);
  const keys = cache.keys[layer] as Float32Array;
  const values = cache.values[layer] as Float32Array;
  const { pageSize } = cache.spec;
  const parts = attentionRow(spec, widths.output / spec.heads);
  const { columns, keysAt, valuesAt } = parts;
  const output = new Float32Array((qkv.length / columns) * widths.output);

  let token = 0;
  for (const segment of segments) {
    const { pages, start, tokens } = segment;
    for (let position = start; position < start + tokens; position++, token++) {
      const row = qkv.slice(token * columns, (token + 1) * columns);
      const query = queriesOf(row, spec, parts); // [H, C]
      const isStored = spec.keysInCache === true;
      const key = isStored ? none : row.subarray(keysAt, keysAt + widths.keys); // [HK, C]
      const value = isStored ? none : row.slice(valuesAt, valuesAt + widths.values); // [HK, CV]
      const rotateBoth = (): void => {
        if (rotations !== null) rotateHeads([query, key], token, spec, rotations);
      };
      if (spec.normsTurned === true) rotateBoth();
      prepare(query, key, value, spec, norms, widths.output / spec.heads);
      if (spec.normsTurned !== true) rotateBoth();
      if (spec.queryFactor !== undefined) scale(query, queryFactorAt(spec.queryFactor, position));
      const stored = cacheRow(pages, pageSize, position);
      keys.set(key, stored * widths.keys);
      values.set(value, stored * widths.values);

      const firstSeen = firstSeenFrom(position, spec);
      const seen = Int32Array.from({ length: position + 1 - firstSeen }, (_, i) =>
        cacheRow(pages, pageSize, firstSeen + i),
      );
      const out = output.subarray(token * widths.output, (token + 1) * widths.output);
      attendToken(query, keys, values, seen, spec, widths, sinks, out);
      gateHeads(out, row, spec, parts);
    }
  }
  return output;
}

function firstSeenFrom(position: number, { window = Infinity, chunked }: AttentionSpec): number {
  return chunked === true ? position - (position % window) : Math.max(0, position + 1 - window);
}

function scale(x: Float32Array, factor: number): void {
  x.forEach((value, i) => {
    x[i] = value * factor;
  });
}

/** The queries of a row, without gates between them. */
function queriesOf(row: Float32Array, { heads, headDim }: AttentionSpec, { queryStride }: AttentionRow) {
  const queries = new Float32Array(heads * headDim);
  for (let head = 0; head < heads; head++)
    queries.set(row.subarray(head * queryStride, head * queryStride + headDim), head * headDim);
  return queries;
}

/** Multiplies heads [H, CV] by a function of the gates of their row. */
function gateHeads(
  out: Float32Array,
  row: Float32Array,
  { heads, gate }: AttentionSpec,
  { gateAt, gateStride }: AttentionRow,
): void {
  if (gate === undefined) return;
  const valueDim = out.length / heads;
  const f = gateFunctions[gate.kind];
  out.forEach((value, i) => {
    const [head, c] = [Math.floor(i / valueDim), i % valueDim];
    out[i] = value * f(row[gateAt + head * gateStride + (gate.per === 'head' ? 0 : c)] as number);
  });
}

/** Norm and clip, in place. */
function prepare(
  query: Float32Array,
  key: Float32Array,
  value: Float32Array,
  { queryNorm, keyNorm, valueNorm, clip }: AttentionSpec,
  norms: AttentionNorms,
  valueDim: number,
): void {
  const norm = (x: Float32Array, spec: NormSpec | undefined, weight: Float32Array | null): void => {
    if (spec !== undefined && weight !== null) rmsNorm(x, weight, spec.epsilon, x);
  };
  norm(query, queryNorm, norms.query);
  if (key.length > 0) norm(key, keyNorm, norms.key);
  if (valueNorm !== undefined) {
    const ones = new Float32Array(valueDim).fill(1);
    for (let at = 0; at < value.length; at += valueDim) {
      const head = value.subarray(at, at + valueDim);
      rmsNorm(head, ones, valueNorm.epsilon, head);
    }
  }
  if (clip !== undefined) {
    for (const x of [query, key, value])
      x.forEach((v, i) => {
        x[i] = Math.min(Math.max(v, -clip), clip);
      });
  }
}

/** Rotates every head of queries and keys, in place. */
function rotateHeads(
  parts: readonly Float32Array[],
  token: number,
  { headDim, rope }: AttentionSpec,
  { pairs, cos, sin }: Rotations,
): void {
  const own = { cos: cos.subarray(token * pairs), sin: sin.subarray(token * pairs), pairs };
  for (const x of parts) {
    for (let at = 0; at < x.length; at += headDim)
      rotate(x.subarray(at, at + headDim), own, rope?.style ?? 'halves');
  }
}

/** One token, all heads. `seen` holds the cache rows of the positions it may see. */
function attendToken(
  query: Float32Array,
  keys: Float32Array,
  values: Float32Array,
  seen: Int32Array,
  { heads, kvHeads, headDim, scale }: AttentionSpec,
  widths: AttentionWidths,
  sinks: Float32Array | null,
  out: Float32Array,
): void {
  const valueDim = widths.output / heads;
  const weights = new Float64Array(seen.length);
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor((head * kvHeads) / heads);
    const sink = sinks?.[head] ?? -Infinity;
    let max = sink;
    for (let i = 0; i < seen.length; i++) {
      const at = (seen[i] as number) * widths.keys + kvHead * headDim;
      let score = 0;
      for (let c = 0; c < headDim; c++)
        score += (query[head * headDim + c] as number) * (keys[at + c] as number);
      weights[i] = score * scale;
      max = Math.max(max, score * scale);
    }
    let sum = Math.exp(sink - max);
    for (let i = 0; i < seen.length; i++) {
      weights[i] = Math.exp((weights[i] as number) - max);
      sum += weights[i] as number;
    }
    for (let c = 0; c < valueDim; c++) {
      let total = 0;
      for (let i = 0; i < seen.length; i++) {
        total +=
          (weights[i] as number) *
          (values[(seen[i] as number) * widths.values + kvHead * valueDim + c] as number);
      }
      out[head * valueDim + c] = total / sum;
    }
  }
}
