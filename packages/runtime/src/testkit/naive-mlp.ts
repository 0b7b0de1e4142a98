// MLPs, routers and experts in float64.
//
// Shapes: T tokens, D hidden, A experts per token.
import type { Activation, MlpData } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { MlpConfig, MoeConfig } from '../decoder/config.js';
import { readMlp } from '../load/read-mlp.js';
import type { ModelSource } from '../model-source.js';
import { norm, readVector } from './naive-weights.js';
import {
  add,
  at,
  chunks,
  type Matrix,
  multiply,
  type Row,
  scaled,
  sigmoid,
  softmax,
  sum,
  toMatrix,
} from './rows.js';

export interface Computed {
  readonly rows: Matrix; // [T][D]
  /** [T][A], best first; null without a router. */
  readonly experts: number[][] | null;
  readonly margin: number;
}

export async function mlpRows(
  source: ModelSource,
  layer: number,
  config: MlpConfig,
  x: Matrix,
): Promise<Computed> {
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
export function gated(activation: Activation, gate: number, up: number): number {
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
