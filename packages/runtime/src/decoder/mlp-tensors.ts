// The tensors of the MLPs of a layer: a dense one, a router with its experts and a shared one.
//
// Shapes: D hidden, E experts, F intermediate, L latent of experts.
import type { Projection, Role } from '@moeq/tensors';
import type { FeedForward, LayerConfig, MoeConfig } from './config.js';
import { layerDense, layerMoe } from './layer.js';
import { type LayerRow, layerRow } from './tensor-row.js';

/** The MLPs that a layer may have. */
export type MlpName = 'dense' | 'shared' | 'expert';

const feedForwards: Readonly<Record<MlpName, (layer: LayerConfig) => FeedForward | null>> = {
  dense: layerDense,
  shared: (layer) => layerMoe(layer)?.shared ?? null,
  expert: layerMoe,
};

type Shape = (mlp: FeedForward, hidden: number) => readonly number[] | null;

const shapes = {
  gate: ({ activation, intermediateSize }, hidden) => (activation.gated ? [intermediateSize, hidden] : null),
  up: ({ intermediateSize }, hidden) => [intermediateSize, hidden],
  gateUp: ({ activation, intermediateSize }, hidden) =>
    activation.gated ? [2 * intermediateSize, hidden] : null,
  down: ({ intermediateSize }, hidden) => [hidden, intermediateSize],
} as const satisfies Readonly<Record<string, Shape>>;

/** Of as many numbers as a matrix has rows. */
const biasOf =
  (matrix: Shape): Shape =>
  (mlp, hidden) =>
    mlp.bias ? (matrix(mlp, hidden)?.slice(0, 1) ?? null) : null;

const rowsOf = (name: MlpName, role: Role, of: LayerRow['of']) => {
  const row = (projection: Projection, shape: Shape): LayerRow => ({
    of,
    role,
    projection,
    shape({ hiddenSize }, layer) {
      const found = feedForwards[name](layer);
      const width = name === 'expert' ? (layerMoe(layer)?.latentDim ?? hiddenSize) : hiddenSize;
      return found === null ? null : shape(found, width);
    },
  });
  return {
    gate: row('gateProj', shapes.gate),
    up: row('upProj', shapes.up),
    gateUp: row('gateUpProj', shapes.gateUp),
    down: row('downProj', shapes.down),
    gateBias: row('gateProj', biasOf(shapes.gate)),
    upBias: row('upProj', biasOf(shapes.up)),
    gateUpBias: row('gateUpProj', biasOf(shapes.gateUp)),
    downBias: row('downProj', biasOf(shapes.down)),
  };
};

const routing = (shape: (moe: MoeConfig, hidden: number) => readonly number[] | null): LayerRow =>
  layerRow('router', ({ hiddenSize }, layer) => {
    const moe = layerMoe(layer);
    return moe === null ? null : shape(moe, hiddenSize);
  });

/** Beside the experts: as large as dense matrices, and as sensitive. */
const latent = (shape: (latentDim: number, hidden: number) => readonly number[]): LayerRow =>
  layerRow('denseMlp', ({ hiddenSize }, layer) => {
    const latentDim = layerMoe(layer)?.latentDim;
    return latentDim === undefined ? null : shape(latentDim, hiddenSize);
  });

const dense = rowsOf('dense', 'denseMlp', 'layer');
const shared = rowsOf('shared', 'sharedExpert', 'layer');
const expert = rowsOf('expert', 'expert', 'expert');

export const mlpTensors = {
  denseGate: dense.gate,
  denseGateBias: dense.gateBias,
  denseUp: dense.up,
  denseUpBias: dense.upBias,
  denseDown: dense.down,
  denseDownBias: dense.downBias,

  router: routing(({ route }, hidden) => [route.experts, hidden]),
  routerBias: routing(({ routerBias, route }) => (routerBias ? [route.experts] : null)),
  correctionBias: routing((moe) => (moe.correctionBias ? [moe.route.experts] : null)),
  expertLatentDown: latent((latentDim, hidden) => [latentDim, hidden]),
  expertLatentUp: latent((latentDim, hidden) => [hidden, latentDim]),
  expertScales: routing(({ expertScales, route }) => (expertScales === true ? [route.experts] : null)),
  sharedGate: shared.gate,
  sharedGateBias: shared.gateBias,
  sharedUp: shared.up,
  sharedUpBias: shared.upBias,
  /** In place of gate and up, as of experts. */
  sharedGateUp: shared.gateUp,
  sharedGateUpBias: shared.gateUpBias,
  sharedDown: shared.down,
  sharedDownBias: shared.downBias,
  /** Decides like a router how much of the shared expert a token gets, and is as small and as sensitive. */
  sharedOutputGate: routing((moe, hidden) => (moe.shared?.outputGate ? [1, hidden] : null)),

  expertGate: expert.gate,
  expertGateBias: expert.gateBias,
  expertUp: expert.up,
  expertUpBias: expert.upBias,
  /** In place of gate and up, the gate's rows above those of up. */
  expertGateUp: expert.gateUp,
  expertGateUpBias: expert.gateUpBias,
  expertDown: expert.down,
  expertDownBias: expert.downBias,
};

export type MlpSlot = keyof typeof mlpTensors;

/** Slots of tensors that are loaded by themselves, beside the matrices of MLPs. */
export const mlpParts = {
  router: ['router'],
  routerBias: ['routerBias'],
  correctionBias: ['correctionBias'],
  expertLatentDown: ['expertLatentDown'],
  expertLatentUp: ['expertLatentUp'],
  expertScales: ['expertScales'],
  sharedOutputGate: ['sharedOutputGate'],
} as const satisfies Readonly<Record<string, readonly MlpSlot[]>>;

/** A way in which the input side of an MLP can be stored. A layer may be without some of the slots. */
interface InputForm {
  readonly matrices: readonly MlpSlot[];
  readonly biases: readonly MlpSlot[];
}

/** The tensors of an MLP: its input side and its output side. */
interface MlpForms {
  readonly gateUp: readonly InputForm[];
  readonly down: MlpSlot;
  readonly downBias: MlpSlot;
}

export const mlpForms: Readonly<Record<MlpName, MlpForms>> = {
  dense: {
    gateUp: [{ matrices: ['denseGate', 'denseUp'], biases: ['denseGateBias', 'denseUpBias'] }],
    down: 'denseDown',
    downBias: 'denseDownBias',
  },
  shared: {
    gateUp: [
      { matrices: ['sharedGate', 'sharedUp'], biases: ['sharedGateBias', 'sharedUpBias'] },
      { matrices: ['sharedGateUp'], biases: ['sharedGateUpBias'] },
    ],
    down: 'sharedDown',
    downBias: 'sharedDownBias',
  },
  expert: {
    gateUp: [
      { matrices: ['expertGate', 'expertUp'], biases: ['expertGateBias', 'expertUpBias'] },
      { matrices: ['expertGateUp'], biases: ['expertGateUpBias'] },
    ],
    down: 'expertDown',
    downBias: 'expertDownBias',
  },
};
