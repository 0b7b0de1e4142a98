// The decoder again, in float64 and independently of decoder and backends: written from the papers (Mixtral, arXiv
// 2401.04088; Qwen2-MoE; OLMoE, 2409.02060; DeepSeek-V3, 2412.19437; GraniteMoE's multipliers), whole sequences at a
// time, without a cache.
//
// Shapes: T tokens, V vocabulary, D hidden, H heads, HK key/value heads, C head dimension, A experts per token.
import type { Activation, MlpData } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { AttentionConfig } from '../decoder/attention.js';
import type { BranchConfig, MlpConfig, MoeConfig, NormConfig, NormSlot } from '../decoder/config.js';
import type { Slot } from '../decoder/decoder-tensors.js';
import { layerMoe } from '../decoder/layer.js';
import type { MixerConfig } from '../decoder/mixers.js';
import type { ShortConvConfig } from '../decoder/short-conv.js';
import { readMlp } from '../load/read-mlp.js';
import type { ModelSource } from '../model-source.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import { deltaNet } from './naive-delta-net.js';
import { kimiDelta } from './naive-kimi-delta.js';
import { growth, latentAttention, type NaiveWeights } from './naive-latent.js';
import { layerInputs } from './naive-layer-inputs.js';
import { mamba } from './naive-mamba.js';
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

export interface NaiveOutput {
  /** [T][V] */
  readonly logits: Matrix;
  /** Of each MoE layer: [T][A], best first. */
  readonly experts: number[][][];
  /** The smallest distance between the scores of two experts that were, or were nearly, chosen one after the other. */
  readonly margin: number;
}

export async function naiveDecoder(source: ModelSource, ids: readonly number[]): Promise<NaiveOutput> {
  const { config, weights } = source;
  const embedding = toMatrix(await weights.read('embedding'));
  const experts: number[][][] = [];
  let margin = Infinity;

  const kept = new Map<number, KeysAndValues>();
  let rows = ids.map((id) => scaled(embedding[id] ?? [], config.embeddingScale)); // [T][D]
  const inputs = await layerInputs(source, ids, rows, () =>
    normWeight(source, 'layerInputNorm', config.norm),
  ); // [L][T][P]
  for (const [layer, layerConfig] of config.layers.entries()) {
    for (const block of layerConfig.blocks) {
      const ran = await branch(source, layer, block, rows, { input: inputs?.[layer] ?? null, kept });
      rows = rows.map((row, t) => add(row, ran.rows[t] ?? [], block.residualScale));
      margin = Math.min(margin, ran.margin);
      if (ran.experts !== null) experts[layer] = ran.experts;
    }
    if (layerConfig.scaled === true) {
      const factor = at(await readVector(source, 'layerScale', layer), 0);
      rows = rows.map((row) => scaled(row, factor));
    }
  }

  const normed = await norm(source, config.norm, 'finalNorm', rows);
  const head = config.tiedHead ? embedding : toMatrix(await weights.read('head'));
  const headBias = config.headBias ? await readVector(source, 'headBias') : head.map(() => 0);
  const { logitsCap: cap, logitsScale } = config;
  const capped = (row: Row) => (cap === undefined ? row : row.map((value) => cap * Math.tanh(value / cap)));
  const logits = normed.map((row) => capped(scaled(add(multiply(head, row), headBias), logitsScale)));
  const moeLayers = config.layers.flatMap((each, layer) => (layerMoe(each) === null ? [] : [layer]));
  return { logits, experts: moeLayers.map((layer) => experts[layer] ?? []), margin };
}

/** Of a layer: [T][HK][C] */
interface KeysAndValues {
  readonly keys: Matrix[];
  readonly values: Matrix[];
}

/** What a layer reads besides its rows. */
interface Given {
  /** Its own input [T][P]. */
  readonly input: Matrix | null;
  /** By layer, of those that have run. */
  readonly kept: Map<number, KeysAndValues>;
}

interface Computed {
  readonly rows: Matrix; // [T][D]
  /** [T][A], best first; null without a router. */
  readonly experts: number[][] | null;
  readonly margin: number;
}

async function branch(
  source: ModelSource,
  layer: number,
  config: BranchConfig,
  rows: Matrix,
  given: Given,
): Promise<Computed> {
  const place = async (of: 'norm' | 'postNorm', values: Matrix) => {
    const { [of]: found } = config;
    return found === null ? values : norm(source, found, found.slot, values, layer);
  };
  const ran = await body(source, layer, config, await place('norm', rows), given);
  return { ...ran, rows: await place('postNorm', ran.rows) };
}

async function body(
  source: ModelSource,
  layer: number,
  config: BranchConfig,
  x: Matrix,
  given: Given,
): Promise<Computed> {
  if ('mlp' in config) return mlpRows(source, layer, config.mlp, x);
  if ('layerInput' in config) {
    const rows = await addedInput(source, layer, config.layerInput.activation, x, given.input);
    return { rows, experts: null, margin: Infinity };
  }
  if ('mixer' in config) {
    const { mixer } = config;
    const mixed = await mix(source, layer, mixer, x, given.kept);
    return { rows: mixed, experts: null, margin: Infinity };
  }
  const parts: Computed[] = [];
  for (const each of config.sum) parts.push(await branch(source, layer, each, x, given));
  return {
    rows: x.map((_, t) => parts.map(({ rows }) => rows[t] ?? []).reduce((sum, row) => add(sum, row))),
    experts: parts.find(({ experts }) => experts !== null)?.experts ?? null,
    margin: Math.min(...parts.map(({ margin }) => margin)),
  };
}

/** out(f(gate h) * P) of each row, P the layer's own input. */
async function addedInput(
  { weights }: ModelSource,
  layer: number,
  activation: Activation,
  x: Matrix,
  input: Matrix | null,
): Promise<Matrix> {
  const gate = toMatrix(await weights.read('layerInputGate', { layer }));
  const output = toMatrix(await weights.read('layerInputOutput', { layer }));
  return x.map((row, t) => {
    const inner = multiply(gate, row).map((value, i) => gated(activation, value, at(input?.[t], i)));
    return multiply(output, inner);
  });
}

/** An RMS norm or a layer norm of each row. */
async function norm(
  source: ModelSource,
  { kind, epsilon, bias, ...config }: NormConfig,
  slot: NormSlot | 'finalNorm',
  rows: Matrix,
  layer?: number,
): Promise<Matrix> {
  const ones = Array.from({ length: source.config.hiddenSize }, () => 1);
  const weight = config.weight === 'none' ? ones : await normWeight(source, slot, config, layer);
  const added = bias ? await readVector(source, `${slot}Bias`, layer) : null;
  return rows.map((row) => {
    const mean = kind === 'layer' ? sum(row) / row.length : 0;
    const normed = rmsNorm(
      row.map((value) => value - mean),
      weight,
      epsilon,
    );
    return added === null ? normed : add(normed, added);
  });
}

/** (1 + w) as Qwen3-Next has it. */
async function normWeight(
  source: ModelSource,
  slot: Slot,
  { weight }: Pick<NormConfig, 'weight'>,
  layer?: number,
): Promise<Row> {
  const stored = await readVector(source, slot, layer);
  return weight === 'lessOne' ? stored.map((value) => 1 + value) : stored;
}

async function readVector({ weights }: ModelSource, slot: Slot, layer?: number): Promise<Row> {
  return toMatrix(await weights.read(slot, layer === undefined ? {} : { layer })).flat();
}

function mix(
  source: ModelSource,
  layer: number,
  mixer: MixerConfig,
  inputs: Matrix,
  kept: Map<number, KeysAndValues>,
): Promise<Matrix> {
  if (mixer.kind === 'attention') return attention(source, layer, mixer, inputs, kept);
  if (mixer.kind === 'shortConv') return shortConv(source, layer, mixer, inputs);
  const weights: NaiveWeights = {
    matrix: async (slot) => toMatrix(await source.weights.read(slot, { layer })),
    vector: (slot) => readVector(source, slot, layer),
    norm: (slot) => normWeight(source, slot, source.config.norm, layer),
  };
  if (mixer.kind === 'deltaNet') return deltaNet(weights, mixer, source.config.norm.epsilon, inputs);
  if (mixer.kind === 'kimiDelta') return kimiDelta(weights, mixer, source.config.norm.epsilon, inputs);
  if (mixer.kind === 'mamba') return mamba(weights, mixer, inputs, source.config.norm.epsilon);
  return latentAttention(weights, mixer, inputs, rotate);
}

async function attention(
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
    const values = spec.kvHeads * (spec.valueDim ?? spec.headDim);
    const keys = spec.kvHeads * spec.headDim;
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

/** out(C * conv(B * x)), where [B | C | x] = in(h) and conv sums over a channel's last k inputs. */
async function shortConv(
  { weights }: ModelSource,
  layer: number,
  { channels, taps }: ShortConvConfig,
  inputs: Matrix,
): Promise<Matrix> {
  const [project, output] = [
    toMatrix(await weights.read('convInput', { layer })),
    toMatrix(await weights.read('convOutput', { layer })),
  ];
  const kernels = chunks(toMatrix(await weights.read('convTaps', { layer })).flat(), taps); // [D][k]
  const gates = inputs.map((row) => chunks(multiply(project, row), channels)); // [T][3][D]
  const products = gates.map(([b = [], , x = []]) => b.map((gate, c) => gate * at(x, c)));
  return gates.map(([, gate = []], t) => {
    const mixed = gate.map((factor, c) => {
      const terms = products.slice(Math.max(0, t - taps + 1), t + 1).map((row) => at(row, c));
      return factor * sum(terms.map((term, i) => at(kernels[c], taps - terms.length + i) * term));
    });
    return multiply(output, mixed);
  });
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
function rotate(rope: RopeConfig | null, head: Row, position: number): Row {
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

async function mlpRows(source: ModelSource, layer: number, config: MlpConfig, x: Matrix): Promise<Computed> {
  const norms = config.kind === 'moe' ? config.norms : undefined;
  const place = (which: 'router' | 'experts') =>
    norms === undefined ? x : norm(source, norms[which], norms[which].slot, x, layer);
  const [routed, read] = [await place('router'), await place('experts')];
  const factor = norms?.routerFactor ?? 1;
  const tokens = await Promise.all(
    read.map((row, t) => mlp(source, layer, config, row, scaled(routed[t] ?? [], factor))),
  );
  return {
    rows: tokens.map(({ output }) => output),
    experts: config.kind === 'moe' ? tokens.map(({ expertIndices }) => expertIndices ?? []) : null,
    margin: Math.min(...tokens.map(({ margin }) => margin)),
  };
}

async function mlp(source: ModelSource, layer: number, config: MlpConfig, x: Row, routed: Row) {
  if (config.kind === 'dense') {
    return {
      output: feedForward(await readMlp(source, 'dense', { layer }), config.activation, x),
      expertIndices: null,
      margin: Infinity,
    };
  }
  const { expertIndices, expertWeights, margin } = await choose(source, layer, config, routed);
  const ofLatent = async (slot: 'expertLatentDown' | 'expertLatentUp', row: Row): Promise<Row> =>
    config.latentDim === undefined
      ? row
      : multiply(toMatrix(await source.weights.read(slot, { layer })), row);
  const inner = await ofLatent('expertLatentDown', x);
  let mixed = inner.map(() => 0);
  for (const [a, expert] of expertIndices.entries()) {
    mixed = add(
      mixed,
      feedForward(await readMlp(source, 'expert', { layer, expert }), config.activation, inner),
      at(expertWeights, a),
    );
  }
  let output = await ofLatent('expertLatentUp', mixed);
  if (config.shared !== null) {
    const gate = config.shared.outputGate
      ? toMatrix(await source.weights.read('sharedOutputGate', { layer }))
      : null;
    const factor = gate === null ? 1 : sigmoid(at(multiply(gate, x), 0));
    const data = await readMlp(source, 'shared', { layer });
    output = add(output, feedForward(data, config.shared.activation, x), factor * (config.shared.scale ?? 1));
  }
  return { output, expertIndices, margin };
}

async function choose(source: ModelSource, layer: number, config: MoeConfig, x: Row) {
  const { route } = config;
  const products = multiply(toMatrix(await source.weights.read('router', { layer })), x);
  const logits = config.routerBias ? add(products, await readVector(source, 'routerBias', layer)) : products;
  const scores = scoreOf(route, logits);
  const bias = config.correctionBias ? await readVector(source, 'correctionBias', layer) : null;
  const choice = bias === null ? scores : add(scores, bias);
  const kept = inGroups(route, choice);
  const order = kept.experts.sort((a, b) => at(choice, b) - at(choice, a) || a - b);
  const expertIndices = order.slice(0, route.expertsPerToken);
  const ranked = order.slice(0, route.expertsPerToken + 1).map((e) => at(choice, e));
  const margin = Math.min(kept.margin, ...ranked.slice(1).map((score, i) => at(ranked, i) - score));
  const chosen = expertIndices.map((e) => at(scores, e));
  const sparse = route.score === 'sparseMixer' ? sparseMixer(route, scores, expertIndices) : null;
  const weights = sparse?.weights ?? (route.score === 'softmaxAfterTopK' ? softmax(chosen) : chosen);
  const isDivided = route.normalizeTopK && (route.score === 'softmax' || route.score === 'sigmoid');
  const total = isDivided ? sum(weights) : 1;
  const factors = config.expertScales === true ? await readVector(source, 'expertScales', layer) : null;
  const shares = scaled(weights, (route.scalingFactor ?? 1) / total);
  const expertWeights = shares.map(
    (share, i) => share * (factors === null ? 1 : at(factors, expertIndices[i] ?? 0)),
  );
  return { expertIndices, expertWeights, margin: Math.min(margin, sparse?.margin ?? Infinity) };
}

/** Of each chosen its softmax over the logits near it, without those chosen before (arXiv 2409.12136). */
function sparseMixer({ jitter = 0 }: RouteSpec, logits: Row, chosen: readonly number[]) {
  let margin = Infinity;
  const weights = chosen.map((expert, a) => {
    const own = at(logits, expert);
    const near = logits.filter((logit, e) => {
      if (chosen.slice(0, a).includes(e)) return false;
      const beyond = own - logit - 2 * jitter * Math.max(Math.abs(logit), own);
      margin = Math.min(margin, Math.abs(beyond));
      return beyond <= 0;
    });
    return 1 / sum(near.map((logit) => Math.exp(logit - own)));
  });
  return { weights, margin };
}

/** Experts of the groups that are best by their best score, or by the sum of their best two; all without groups. */
function inGroups({ groups }: RouteSpec, choice: Row): { experts: number[]; margin: number } {
  const experts = choice.map((_, e) => e);
  if (groups === undefined) return { experts, margin: Infinity };
  const ranked = chunks(experts, choice.length / groups.count)
    .map((members) => {
      const [first = -Infinity, second = 0] = members.map((e) => at(choice, e)).sort((a, b) => b - a);
      return { members, rank: groups.rank === 'max' ? first : first + second };
    })
    .sort((a, b) => b.rank - a.rank);
  const margin = ranked.slice(1).map(({ rank }, i) => (ranked[i]?.rank ?? 0) - rank)[groups.kept - 1];
  return {
    experts: ranked.slice(0, groups.kept).flatMap(({ members }) => members),
    margin: margin ?? Infinity,
  };
}

function scoreOf({ score }: RouteSpec, logits: Row): Row {
  if (score === 'softmax') return softmax(logits);
  return score === 'sigmoid' ? logits.map(sigmoid) : logits;
}

/** down(act(gate(x)) * up(x)), or down(act(up(x))) */
function feedForward({ gateUp, down, gateUpBias, downBias }: MlpData, activation: Activation, x: Row): Row {
  const products = gateUp.flatMap((part) => multiply(toMatrix(part), x));
  const rows = gateUpBias === undefined ? products : add(products, [...gateUpBias]);
  const ups = activation.gated ? rows.slice(rows.length / 2) : null;
  const inner = rows
    .slice(0, activation.gated ? rows.length / 2 : undefined)
    .map((first, f) => (ups === null ? activated(activation, first) : gated(activation, first, at(ups, f))));
  const output = multiply(toMatrix(down), inner);
  return downBias === undefined ? output : add(output, [...downBias]);
}

/** gpt-oss: clamp up, clamp gate from above, (up + 1) * gate * sigmoid(alpha * gate). */
function gated(activation: Activation, gate: number, up: number): number {
  const { limit = Infinity, upOffset = 0 } = activation;
  return activated(activation, gate) * (Math.min(Math.max(up, -limit), limit) + upOffset);
}

function activated({ kind, alpha = 1, limit = Infinity, limitOf = 'input' }: Activation, x: number): number {
  const value = limitOf === 'input' ? Math.min(x, limit) : x;
  if (kind === 'relu2') return Math.max(value, 0) ** 2;
  if (kind === 'geluTanh')
    return (value / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3)));
  if (kind !== 'silu') throw new Error(`the naive decoder has no ${kind}`);
  return Math.min(value * sigmoid(alpha * value), limitOf === 'output' ? limit : Infinity);
}
