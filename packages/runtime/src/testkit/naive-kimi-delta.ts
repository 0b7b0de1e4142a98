// Kimi Delta Attention again, in float64 and as its paper writes it (arXiv 2510.26692): S = (I - b k kᵀ) diag(a) S + b k vᵀ.
//
// Shapes: T tokens, H heads, C dimension of a head, k taps.
import type { KimiDeltaConfig } from '../decoder/kimi-delta.js';
import { convolved, learned, recalled, unit } from './naive-delta-net.js';
import type { NaiveWeights } from './naive-latent.js';
import { add, at, chunks, type Matrix, multiply, rmsNorm, scaled, sigmoid } from './rows.js';

export async function kimiDelta(
  { matrix, vector }: NaiveWeights,
  { heads, headDim, taps }: KimiDeltaConfig,
  epsilon: number,
  inputs: Matrix,
): Promise<Matrix> {
  const times = async (rows: Matrix, slot: Parameters<NaiveWeights['matrix']>[0]): Promise<Matrix> => {
    const weight = await matrix(slot);
    return rows.map((row) => multiply(weight, row));
  };
  /** [T][H][C] */
  const ofHeads = (rows: Matrix): Matrix[] => rows.map((row) => chunks(row, headDim));
  const mixed = async (name: 'kimiQuery' | 'kimiKey' | 'kimiValue'): Promise<Matrix[]> =>
    ofHeads(convolved(await times(inputs, name), chunks(await vector(`${name}Taps`), taps)));
  const [queries, keys, values] = [
    await mixed('kimiQuery'),
    await mixed('kimiKey'),
    await mixed('kimiValue'),
  ];
  const betas = await times(inputs, 'kimiBeta'); // [T][H]
  const low = await times(await times(inputs, 'kimiDecayDown'), 'kimiDecayUp');
  const biases = await vector('kimiDecayBias');
  const decays = ofHeads(low.map((row) => add(row, biases)));
  const gates = ofHeads(await times(await times(inputs, 'kimiGateDown'), 'kimiGateUp'));
  const rates = (await vector('kimiDecayLog')).map(Math.exp);
  const norm = await vector('kimiNorm');

  const output = inputs.map((): number[] => []);
  for (let head = 0; head < heads; head++) {
    const row = (of: Matrix[], t: number) => of[t]?.[head] ?? [];
    let state: Matrix = Array.from({ length: headDim }, () => Array.from({ length: headDim }, () => 0));
    for (const [t, found] of output.entries()) {
      const factors = row(decays, t).map((x) => Math.exp(-at(rates, head) * Math.log(1 + Math.exp(x))));
      const faded = state.map((each, i) => scaled(each, at(factors, i)));
      state = learned(faded, unit(row(keys, t)), row(values, t), sigmoid(at(betas[t], head)));
      const query = scaled(unit(row(queries, t)), headDim ** -0.5);
      const normed = rmsNorm(recalled(state, query), norm, epsilon);
      found.push(...normed.map((x, j) => x * sigmoid(at(row(gates, t), j))));
    }
  }
  return times(output, 'kimiOutput');
}
