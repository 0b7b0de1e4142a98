// The tensors of Mamba layers.
//
// Shapes: D hidden, H heads, P numbers of a head, I = H P, N numbers of a state, G groups, k taps, R numbers that time steps are
// made of.
import type { MixerTensor } from './block.js';
import {
  convolutionChannels,
  innerSize,
  inputRows,
  type Mamba1Config,
  type MambaConfig,
} from './mamba-config.js';

type Tensor = MixerTensor<MambaConfig>;
type Shape = Tensor['shape'];

const matrix = (shape: Shape): Tensor => ({ role: 'attention', shape });
/** Small and sensitive, as norms are: never quantized. */
const vector = (shape: Shape): Tensor => ({ role: 'norm', shape });

const biased =
  (shape: Shape): Shape =>
  (config, hidden) =>
    config.bias ? shape(config, hidden) : null;
/** Mamba makes time steps, B and C of x. */
const ofFirst =
  (shape: (config: Mamba1Config) => readonly number[]): Shape =>
  (config) =>
    config.version === 1 ? shape(config) : null;

export const mambaTensors = {
  mambaInput: matrix((c, hidden) => [inputRows(c), hidden]),
  mambaInputBias: vector(biased((c) => [inputRows(c)])),
  /** As PyTorch's Conv1d has it. */
  mambaTaps: matrix((c) => [convolutionChannels(c), 1, c.taps]),
  mambaTapsBias: vector((c) => (c.tapsBias ? [convolutionChannels(c)] : null)),
  /** Rows of time steps, B and C. */
  mambaSelection: matrix(ofFirst((c) => [c.timeStepRank + 2 * c.stateDim, innerSize(c)])),
  mambaTimeStepNorm: vector(ofFirst((c) => [c.timeStepRank])),
  mambaBNorm: vector(ofFirst((c) => [c.stateDim])),
  mambaCNorm: vector(ofFirst((c) => [c.stateDim])),
  mambaTimeStep: matrix(ofFirst((c) => [innerSize(c), c.timeStepRank])),
  mambaTimeStepBias: vector((c) => [c.heads]),
  /** Logarithms of the rates. */
  mambaDecay: vector((c) => (c.version === 2 ? [c.heads] : [c.heads, c.stateDim])),
  mambaSkip: vector((c) => [c.heads]),
  mambaNorm: vector((c) => (c.version === 2 ? [innerSize(c)] : null)),
  mambaOutput: matrix((c, hidden) => [hidden, innerSize(c)]),
  mambaOutputBias: vector(biased((_, hidden) => [hidden])),
} satisfies Readonly<Record<string, Tensor>>;

export type MambaSlot = keyof typeof mambaTensors;

/** Tensors that are loaded as one weight or vector. */
export const mambaParts = {
  input: ['mambaInput'],
  inputBias: ['mambaInputBias'],
  taps: ['mambaTaps'],
  tapsBias: ['mambaTapsBias'],
  selection: ['mambaSelection'], // [R + 2 N, I]
  timeStepNorm: ['mambaTimeStepNorm'], // [R]
  bcNorm: ['mambaBNorm', 'mambaCNorm'], // [2 N]
  timeStep: ['mambaTimeStep'], // [I, R]
  parameters: ['mambaDecay', 'mambaTimeStepBias', 'mambaSkip'],
  norm: ['mambaNorm'], // [I]
  output: ['mambaOutput'], // [D, I]
  outputBias: ['mambaOutputBias'],
} as const satisfies Readonly<Record<string, readonly MambaSlot[]>>;
