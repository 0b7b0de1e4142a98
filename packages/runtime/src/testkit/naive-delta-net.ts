// The gated delta net again, in float64 and as its paper writes it (arXiv 2412.06464): S = (I - b k kᵀ) a S + b k vᵀ.
//
// Shapes: T tokens, H heads, HK key heads, C key dimension, CV value dimension, k taps.
import type { DeltaNetConfig } from '../decoder/delta-net.js';
import type { NaiveWeights } from './naive-latent.js';
import { at, chunks, dot, type Matrix, multiply, type Row, rmsNorm, scaled, sigmoid, sum } from './rows.js';

const silu = (x: number): number => x * sigmoid(x);

export async function deltaNet(
  { matrix, vector }: NaiveWeights,
  config: DeltaNetConfig,
  epsilon: number,
  inputs: Matrix,
): Promise<Matrix> {
  const { heads, keyHeads, keyDim, valueDim, taps } = config;
  const group = heads / keyHeads;
  const { qkv, gates, betas, decays } = await project({ matrix }, config, inputs);
  const kernels = chunks(await vector('deltaTaps'), taps); // [2 HK C + H CV][k]
  const mixed = convolved(qkv, kernels);
  const [rates, biases, norm] = [
    (await vector('deltaDecayLog')).map(Math.exp),
    await vector('deltaDecayBias'),
    await vector('deltaNorm'),
  ];

  const states = Array.from({ length: heads }, () =>
    Array.from({ length: keyDim }, () => Array.from({ length: valueDim }, () => 0)),
  );
  const output = mixed.map((row, t) =>
    states.flatMap((state, head) => {
      const keyHead = Math.floor(head / group);
      const part = (start: number, width: number) => row.slice(start, start + width);
      const query = scaled(unit(part(keyHead * keyDim, keyDim)), keyDim ** -0.5);
      const key = unit(part((keyHeads + keyHead) * keyDim, keyDim));
      const value = part(2 * keyHeads * keyDim + head * valueDim, valueDim);
      const decay = at(decays[t], head) + at(biases, head);
      const factor = Math.exp(-at(rates, head) * Math.log(1 + Math.exp(decay)));
      const strength = sigmoid(at(betas[t], head));
      const faded = state.map((each) => scaled(each, factor));
      const after = learned(faded, key, value, strength);
      states[head] = after;
      const found = rmsNorm(recalled(after, query), norm, epsilon);
      return found.map((x, j) => x * silu(at(gates[t], head * valueDim + j)));
    }),
  );
  const weight = await matrix('deltaOutput');
  return output.map((row) => multiply(weight, row));
}

/** Causal convolutions of each channel and their activation. @param kernels [channels][k] */
export function convolved(rows: Matrix, kernels: Matrix): Matrix {
  return rows.map((row, t) =>
    row.map((_, c) => {
      const kernel = kernels[c] ?? [];
      const seen = rows.slice(Math.max(0, t - kernel.length + 1), t + 1).map((each) => at(each, c));
      return silu(sum(seen.map((x, i) => x * at(kernel, kernel.length - seen.length + i))));
    }),
  );
}

const column = (rows: Matrix, j: number): Row => rows.map((each) => at(each, j));

/** The state [C][CV] after a key and its value, by the delta rule. */
export function learned(state: Matrix, key: Row, value: Row, strength: number): Matrix {
  const change = value.map((v, j) => strength * (v - dot(column(state, j), key)));
  return state.map((each, i) => each.map((s, j) => s + at(key, i) * at(change, j)));
}

/** What a query finds in the state [C][CV]: [CV] */
export function recalled(state: Matrix, query: Row): Row {
  return (state[0] ?? []).map((_, j) => dot(column(state, j), query));
}

interface Projected {
  /** Queries of all heads, then keys, then values: [T][2 HK C + H CV] */
  readonly qkv: Matrix;
  /** [T][H CV] */
  readonly gates: Matrix;
  /** [T][H] */
  readonly betas: Matrix;
  readonly decays: Matrix;
}

async function project(
  { matrix }: Pick<NaiveWeights, 'matrix'>,
  { heads, keyHeads, keyDim, valueDim, rows }: DeltaNetConfig,
  inputs: Matrix,
): Promise<Projected> {
  const times = async (slot: Parameters<NaiveWeights['matrix']>[0]): Promise<Matrix> => {
    const weight = await matrix(slot);
    return inputs.map((row) => multiply(weight, row));
  };
  if (rows === 'apart') {
    return {
      qkv: await times('deltaQkv'),
      gates: await times('deltaGate'),
      betas: await times('deltaBeta'),
      decays: await times('deltaDecay'),
    };
  }
  const group = heads / keyHeads;
  const values = group * valueDim;
  const ofGroups = (all: Matrix, width: number, start: number, length: number): Matrix =>
    all.map((row) => chunks(row, width).flatMap((each) => each.slice(start, start + length)));
  const first = await times('deltaQkvz');
  const second = await times('deltaBetaDecay');
  const width = 2 * keyDim + 2 * values;
  const [queries, keys, others] = [
    ofGroups(first, width, 0, keyDim),
    ofGroups(first, width, keyDim, keyDim),
    ofGroups(first, width, 2 * keyDim, values),
  ];
  return {
    qkv: queries.map((row, t) => [...row, ...(keys[t] ?? []), ...(others[t] ?? [])]),
    gates: ofGroups(first, width, 2 * keyDim + values, values),
    betas: ofGroups(second, 2 * group, 0, group),
    decays: ofGroups(second, 2 * group, group, group),
  };
}

/** x / |x| */
export function unit(x: Row): Row {
  return scaled(x, 1 / Math.sqrt(dot(x, x) + 1e-6));
}
