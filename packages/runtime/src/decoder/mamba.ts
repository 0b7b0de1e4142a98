// Selective state spaces: an input becomes x, gates, time steps, B and C; a causal convolution over a few tokens, then a recurrence
// over all of them. Mamba, arXiv 2312.00752 (as Jamba has it, with norms of time steps, B and C), and Mamba 2, arXiv 2405.21060,
// whose outputs are normed in groups. A sequence keeps the last inputs of the convolution and the recurrence's state.
//
// Shapes: T tokens, D hidden, H heads, P numbers of a head, I = H P, N numbers of a state, G groups, k taps, R numbers that time
// steps are made of.
import type { Activations, ConvolutionSpec, ScanInputs, ScanSpec, Step, Vector } from '@moeq/kernels';
import type { LayerLoader, Mixer } from './block.js';
import { convolvedStatesNeed, convolvedStatesPlace } from './convolved-states.js';
import {
  convolutionChannels,
  innerSize,
  inputRows,
  type Mamba1Config,
  type MambaConfig,
} from './mamba-config.js';
import { type MambaSlot, mambaTensors, mambaParts as parts } from './mamba-tensors.js';

/** Makes what the scan reads of the input [T, …] and the output [T, …] of the convolution. */
type Select = (step: Step, projected: Activations, mixed: Activations) => ScanInputs;

export const mamba: Mixer<MambaConfig, MambaSlot> = {
  tensors: mambaTensors,
  parts,
  async load(loader, config, epsilon) {
    const vector = (slots: readonly MambaSlot[], isThere: boolean): Promise<Vector | undefined> =>
      isThere ? loader.vector(slots) : Promise.resolve(undefined);
    const input = await loader.matrix(parts.input);
    const inputBias = await vector(parts.inputBias, config.bias);
    const taps = await loader.vector(parts.taps);
    const bias = await vector(parts.tapsBias, config.tapsBias);
    const first = config.version === 2 ? innerSize(config) : 0;
    const convolution: ConvolutionSpec = {
      ...{ taps: config.taps, gated: false, first, silu: true },
      ...(bias && { bias }),
    };
    const select = config.version === 1 ? await selectOfX(loader, config, epsilon) : selectOfInput(config);
    const parameters = await loader.vector(parts.parameters);
    const scan = scanSpec(config);
    const norm = await vector(parts.norm, config.version === 2);
    const groups = config.version === 2 ? config.normGroups : 1;
    const output = await loader.matrix(parts.output);
    const outputBias = await vector(parts.outputBias, config.bias);
    return (step, x, place) => {
      const { inputs, states, layer, segments } = convolvedStatesPlace(place);
      const projected = step.linear(x, input, inputBias);
      const mixed = step.convolution(projected, taps, inputs, layer, segments, convolution);
      const selected = select(step, projected, mixed);
      const scanned = step.selectiveScan(selected, parameters, states, layer, segments, scan); // [T, I]
      const normed = norm === undefined ? scanned : step.norm(scanned, { weight: norm, epsilon, groups });
      return { output: step.linear(normed, output, outputBias), routing: null }; // [T, D]
    };
  },
  cache: (config) =>
    convolvedStatesNeed(
      { channels: convolutionChannels(config), taps: config.taps },
      { parts: config.heads, size: config.headDim * config.stateDim },
    ),
  activationsPerToken(config) {
    const selected = config.version === 1 ? 2 * config.timeStepRank + 4 * config.stateDim : 0;
    return 2 * inputRows(config) + 2 * convolutionChannels(config) + 4 * innerSize(config) + selected;
  },
};

function scanSpec(config: MambaConfig): ScanSpec {
  const { heads, headDim, stateDim, groups } = config;
  if (config.version === 2) {
    const { leastTimeStep, largestTimeStep } = config;
    return { heads, headDim, stateDim, groups, decays: 'head', leastTimeStep, largestTimeStep };
  }
  const limits = { leastTimeStep: 0, largestTimeStep: Number.POSITIVE_INFINITY };
  return { heads, headDim, stateDim, groups, decays: 'state', ...limits };
}

/** Mamba 2: gates, then x, B and C, which the convolution has mixed, then time steps. */
function selectOfInput(config: MambaConfig): Select {
  const inner = innerSize(config);
  const timeSteps = inner + convolutionChannels(config);
  return (_, projected, mixed) => ({
    x: { rows: mixed, first: 0 },
    bc: { rows: mixed, first: inner },
    timeStep: { rows: projected, first: timeSteps },
    gate: { rows: projected, first: 0 },
  });
}

/** Mamba: x, which the convolution has mixed, then gates. */
async function selectOfX(
  loader: LayerLoader<MambaSlot>,
  config: Mamba1Config,
  epsilon: number,
): Promise<Select> {
  const selection = await loader.matrix(parts.selection);
  const timeStepNorm = { weight: await loader.vector(parts.timeStepNorm), epsilon, first: 0 };
  const bcNorm = {
    weight: await loader.vector(parts.bcNorm),
    epsilon,
    first: config.timeStepRank,
    groups: 2,
  };
  const timeStep = await loader.matrix(parts.timeStep);
  return (step, projected, mixed) => {
    const selected = step.linear(mixed, selection); // [T, R + 2 N]
    const steps = step.linear(step.norm(selected, timeStepNorm), timeStep); // [T, I]
    return {
      x: { rows: mixed, first: 0 },
      bc: { rows: step.norm(selected, bcNorm), first: 0 },
      timeStep: { rows: steps, first: 0 },
      gate: { rows: projected, first: innerSize(config) },
    };
  };
}
