// Selective state spaces again, in float64, from the papers: Mamba, arXiv 2312.00752, with Jamba's norms, and Mamba 2, arXiv
// 2405.21060. A sequence from its start, a token at a time.
//
// Shapes: T tokens, H heads, P numbers of a head, I = H P, N numbers of a state.
import type { MambaConfig } from '../decoder/mamba-config.js';
import type { NaiveWeights } from './naive-latent.js';
import { add, at, chunks, dot, type Matrix, multiply, type Row, rmsNorm, sigmoid, sum } from './rows.js';

const silu = (x: number): number => x * sigmoid(x);

export async function mamba(
  weights: NaiveWeights,
  config: MambaConfig,
  inputs: Matrix,
  epsilon: number,
): Promise<Matrix> {
  const { heads, headDim, stateDim, groups } = config;
  const inner = heads * headDim;
  const projected = await project(weights, 'mambaInput', config.bias, inputs);
  const part = (rows: Matrix, first: number, length: number) =>
    rows.map((row) => row.slice(first, first + length));
  const isSecond = config.version === 2;
  const channels = inner + (isSecond ? 2 * groups * stateDim : 0);
  const gates = part(projected, isSecond ? 0 : inner, inner);
  const mixed = await convolve(weights, config, part(projected, isSecond ? inner : 0, channels));
  const { bc, steps } = isSecond
    ? { bc: part(mixed, inner, channels - inner), steps: part(projected, inner + channels, heads) }
    : await select(weights, config.timeStepRank, stateDim, mixed, epsilon);

  const bias = await weights.vector('mambaTimeStepBias');
  const skips = await weights.vector('mambaSkip');
  const decays = isSecond
    ? (await weights.vector('mambaDecay')).map((decay) => Array.from({ length: stateDim }, () => decay))
    : await weights.matrix('mambaDecay'); // [H][N]
  const states = Array.from({ length: inner }, (): Row => Array.from({ length: stateDim }, () => 0));
  const outputs = mixed.map((row, token) =>
    states.map((state, channel) => {
      const h = Math.floor(channel / headDim);
      const group = Math.floor((h * groups) / heads);
      const softplus = Math.log1p(Math.exp(at(steps[token], h) + at(bias, h)));
      const delta = isSecond
        ? Math.min(Math.max(softplus, config.leastTimeStep), config.largestTimeStep)
        : softplus;
      const [b = [], c = []] = [group, groups + group].map(
        (index) => chunks(bc[token] ?? [], stateDim)[index],
      );
      for (const n of state.keys()) {
        const kept = Math.exp(-delta * Math.exp(at(decays[h], n)));
        state[n] = kept * at(state, n) + delta * at(row, channel) * at(b, n);
      }
      const y = dot(state, c) + at(skips, h) * at(row, channel);
      return y * silu(at(gates[token], channel));
    }),
  );
  if (!isSecond) return project(weights, 'mambaOutput', config.bias, outputs);
  const norm = await weights.vector('mambaNorm');
  const size = inner / config.normGroups;
  const normed = outputs.map((row) =>
    chunks(row, size).flatMap((group, g) => rmsNorm(group, norm.slice(g * size, (g + 1) * size), epsilon)),
  );
  return project(weights, 'mambaOutput', config.bias, normed);
}

async function project(
  { matrix, vector }: NaiveWeights,
  slot: 'mambaInput' | 'mambaOutput',
  biased: boolean,
  rows: Matrix,
): Promise<Matrix> {
  const weight = await matrix(slot);
  const bias = biased ? await vector(`${slot}Bias`) : weight.map(() => 0);
  return rows.map((row) => add(multiply(weight, row), bias));
}

/** silu(conv(x) + bias) */
async function convolve(weights: NaiveWeights, config: MambaConfig, rows: Matrix): Promise<Matrix> {
  const kernels = chunks((await weights.matrix('mambaTaps')).flat(), config.taps); // [channels][k]
  const bias = config.tapsBias ? await weights.vector('mambaTapsBias') : kernels.map(() => 0);
  return rows.map((_, t) =>
    kernels.map((kernel, c) => {
      const seen = rows.slice(Math.max(0, t - config.taps + 1), t + 1).map((row) => at(row, c));
      const own = kernel.slice(config.taps - seen.length);
      return silu(sum(seen.map((value, i) => value * at(own, i))) + at(bias, c));
    }),
  );
}

/** Mamba's time steps, B and C, each normed. */
async function select(
  weights: NaiveWeights,
  rank: number,
  stateDim: number,
  x: Matrix,
  epsilon: number,
): Promise<{ bc: Matrix; steps: Matrix }> {
  const selection = await weights.matrix('mambaSelection');
  const timeStep = await weights.matrix('mambaTimeStep');
  const [ofSteps, ofB, ofC] = [
    await weights.vector('mambaTimeStepNorm'),
    await weights.vector('mambaBNorm'),
    await weights.vector('mambaCNorm'),
  ];
  const rows = x.map((row) => multiply(selection, row));
  return {
    steps: rows.map((row) => multiply(timeStep, rmsNorm(row.slice(0, rank), ofSteps, epsilon))),
    bc: rows.map((row) => [
      ...rmsNorm(row.slice(rank, rank + stateDim), ofB, epsilon),
      ...rmsNorm(row.slice(rank + stateDim), ofC, epsilon),
    ]),
  };
}
