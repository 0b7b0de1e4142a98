// Attention with grouped heads in float64, a whole sequence at a time, without a cache.
//
// Shapes: T tokens, H heads, HK key/value heads, C head dimension.
import type { AttentionConfig } from '../decoder/attention.js';
import type { ModelSource } from '../model-source.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import { growth } from './naive-latent.js';
import { normWeight, readVector } from './naive-weights.js';
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
  sigmoid,
  softmax,
  sum,
  toMatrix,
} from './rows.js';

/** Of a layer: [T][HK][C] */
export interface KeysAndValues {
  readonly keys: Matrix[];
  readonly values: Matrix[];
}

export async function attention(
  source: ModelSource,
  layer: number,
  spec: AttentionConfig,
  inputs: Matrix,
  kept: Map<number, KeysAndValues>,
): Promise<Matrix> {
  const { weights, config } = source;
  const matrixOf = async (projection: 'query' | 'key' | 'value' | 'attentionGate' | 'output') => {
    if (spec.joined !== true || projection === 'attentionGate' || projection === 'output')
      return toMatrix(await weights.read(projection, { layer }));
    const whole = toMatrix(await weights.read('queryKeyValue', { layer }));
    const isOwn = spec.keysOf === undefined;
    const values = isOwn && spec.keysAsValues !== true ? spec.kvHeads * (spec.valueDim ?? spec.headDim) : 0;
    const keys = isOwn ? spec.kvHeads * spec.headDim : 0;
    const ends = { query: whole.length - keys - values, key: whole.length - values, value: whole.length };
    const starts = { query: 0, key: ends.query, value: ends.key };
    return whole.slice(starts[projection], ends[projection]);
  };
  const project = async (
    projection: 'query' | 'key' | 'value' | 'attentionGate' | 'output',
    rows: Matrix,
  ) => {
    const matrix = await matrixOf(projection);
    const biased = projection === 'output' ? spec.bias.output : spec.bias.qkv;
    const bias = biased ? await readVector(source, `${projection}Bias`, layer) : null;
    return rows.map((row) => (bias === null ? multiply(matrix, row) : add(multiply(matrix, row), bias)));
  };
  const prepare = async (kind: 'query' | 'key', rows: Matrix) => {
    const norm = spec.queryKeyNorm && (await normWeight(source, `${kind}Norm`, config.norm, layer));
    return rows.map((row, position) => {
      const grown = kind === 'query' ? growth(spec.queryFactor, position) : 1;
      if (spec.normsTurned === true && norm !== null)
        return chunks(row, spec.headDim).map((head) => {
          const turned = rotate(spec.rope, head, position);
          return scaled(clip(spec, rmsNorm(turned, norm, config.norm.epsilon)), grown);
        });
      const heads = clip(spec, normHeads(spec, row, norm, config.norm.epsilon));
      return chunks(heads, spec.headDim).map((head) => scaled(rotate(spec.rope, head, position), grown));
    });
  };
  const { gates, rows } = await gatesOf(spec, await project('query', inputs), () =>
    project('attentionGate', inputs),
  );
  const queries = await prepare('query', rows); // [T][H][C]
  const made = async (): Promise<KeysAndValues> => ({
    keys: await prepare('key', await project('key', inputs)),
    values: (await project(spec.keysAsValues === true ? 'key' : 'value', inputs)).map((row) =>
      chunks(row, spec.valueDim ?? spec.headDim).map((head) =>
        clip(spec, valueNormed(spec, head, config.norm.epsilon)),
      ),
    ),
  });
  const read = spec.keysOf === undefined ? await made() : kept.get(spec.keysOf);
  if (read === undefined) throw new Error(`layer ${spec.keysOf} has not run`);
  kept.set(layer, read);
  const { keys, values } = read; // [T][HK][C]
  const sinks = spec.sinks ? await readVector(source, 'sinks', layer) : null; // [H]

  const mixed = queries.map((heads, token) =>
    heads.flatMap((query, head) => {
      const shared = Math.floor(head / (spec.heads / spec.kvHeads));
      const first = firstSeen(spec, token);
      const seen = Array.from({ length: token + 1 - first }, (_, i) => first + i);
      const scores = seen.map((t) => spec.scale * dot(query, keys[t]?.[shared] ?? []));
      const shares = softmax(sinks === null ? scores : [...scores, at(sinks, head)]);
      const own = values[token]?.[shared] ?? [];
      const mix = own.map((_, c) => sum(seen.map((t, i) => at(shares, i) * at(values[t]?.[shared], c))));
      const gate = gates?.[token]?.[head];
      return gate === undefined ? mix : mix.map((value, c) => value * at(gate, gate.length === 1 ? 0 : c));
    }),
  );
  return project('output', mixed);
}

function firstSeen({ window, chunked }: AttentionConfig, token: number): number {
  if (window === null) return 0;
  return chunked === true ? token - (token % window) : Math.max(0, token - window + 1);
}

/** The gates [T][H][C] or [T][H][1], and rows of queries without them. */
async function gatesOf(
  { heads, headDim, valueDim = headDim, gate }: AttentionConfig,
  rows: Matrix,
  last: () => Promise<Matrix>,
): Promise<{ gates: Matrix[] | null; rows: Matrix }> {
  if (gate === null) return { gates: null, rows };
  const f = (x: number) => (gate.kind === 'sigmoid' ? sigmoid(x) : Math.log(1 + Math.exp(x)));
  if (gate.placed === 'last') {
    const width = gate.per === 'head' ? 1 : valueDim;
    return { gates: (await last()).map((row) => chunks(row.map(f), width)), rows };
  }
  const runs = rows.map((row) => chunks(row, row.length / heads));
  return {
    gates: runs.map((heads) => heads.map((run) => run.slice(headDim).map(f))),
    rows: runs.map((heads) => heads.flatMap((run) => run.slice(0, headDim))),
  };
}

function normHeads(spec: AttentionConfig, row: Row, weight: Row | null, epsilon: number): Row {
  if (weight === null) return row;
  if (spec.queryKeyNorm === 'all') return rmsNorm(row, weight, epsilon);
  return chunks(row, spec.headDim).flatMap((head) => rmsNorm(head, weight, epsilon));
}

function valueNormed({ valueNorm }: AttentionConfig, head: Row, epsilon: number): Row {
  const ones = head.map(() => 1);
  return valueNorm === true ? rmsNorm(head, ones, epsilon) : head;
}

function clip({ clip: limit }: AttentionConfig, row: Row): Row {
  return limit === null ? row : row.map((value) => Math.max(-limit, Math.min(limit, value)));
}

/**
 * Radians a position that pair i turns by: theta^(-2i / rotated), or YaRN's (arXiv 2309.00071): pairs that turn more than
 * betaFast times over the original length as they were, those that turn less than betaSlow times slower by the factor.
 */
function frequencyOf({ theta, rotatedDim, scaling }: RopeConfig, i: number): number {
  const plain = theta ** ((-2 * i) / rotatedDim);
  if (scaling === undefined) return plain;
  if (scaling.kind === 'proportional') return i < Math.floor((scaling.share * rotatedDim) / 2) ? plain : 0;
  if (scaling.kind !== 'yarn') throw new Error(`the naive decoder has no ${scaling.kind}`);
  const pairOf = (turns: number) =>
    (rotatedDim * Math.log(scaling.originalLength / (2 * Math.PI * turns))) / (2 * Math.log(theta));
  const [first, last] = [pairOf(scaling.betaFast), pairOf(scaling.betaSlow)];
  const low = Math.max(0, scaling.truncate ? Math.floor(first) : first);
  const high = Math.min(rotatedDim - 1, scaling.truncate ? Math.ceil(last) : last);
  const slowed = Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)));
  return plain * (1 - slowed + slowed / scaling.factor);
}

/** Pairs turn by position * frequency; the dimensions behind `rotated` stay. */
export function rotate(rope: RopeConfig | null, head: Row, position: number): Row {
  if (rope === null) return head;
  const turned = [...head];
  const factor = rope.scaling?.kind === 'yarn' ? rope.scaling.attentionFactor : 1;
  for (let i = 0; i < rope.rotatedDim / 2; i += 1) {
    const [a, b] = rope.style === 'halves' ? [i, i + rope.rotatedDim / 2] : [2 * i, 2 * i + 1];
    const angle = position * frequencyOf(rope, i);
    const [cos, sin] = [factor * Math.cos(angle), factor * Math.sin(angle)];
    turned[a] = at(head, a) * cos - at(head, b) * sin;
    turned[b] = at(head, a) * sin + at(head, b) * cos;
  }
  return turned;
}
