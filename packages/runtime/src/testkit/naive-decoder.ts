// The decoder again, in float64 and independently of decoder and backends: written from the papers (Mixtral, arXiv
// 2401.04088; Qwen2-MoE; OLMoE, 2409.02060; DeepSeek-V3, 2412.19437; GraniteMoE's multipliers), whole sequences at a
// time, without a cache.
//
// Shapes: T tokens, V vocabulary, D hidden, A experts per token.
import type { Activation } from '@moeq/kernels';
import type { BranchConfig } from '../decoder/config.js';
import { layerMoe } from '../decoder/layer.js';
import type { MixerConfig } from '../decoder/mixers.js';
import type { ShortConvConfig } from '../decoder/short-conv.js';
import type { ModelSource } from '../model-source.js';
import { attention, type KeysAndValues, rotate } from './naive-attention.js';
import { deltaNet } from './naive-delta-net.js';
import { kimiDelta } from './naive-kimi-delta.js';
import { latentAttention, type NaiveWeights } from './naive-latent.js';
import { layerInputs } from './naive-layer-inputs.js';
import { mamba } from './naive-mamba.js';
import { type Computed, gated, mlpRows } from './naive-mlp.js';
import { norm, normWeight, readVector } from './naive-weights.js';
import { add, at, chunks, type Matrix, multiply, type Row, scaled, sum, toMatrix } from './rows.js';

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

/** What a layer reads besides its rows. */
interface Given {
  /** Its own input [T][P]. */
  readonly input: Matrix | null;
  /** By layer, of those that have run. */
  readonly kept: Map<number, KeysAndValues>;
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
