// The tensors of the MLP of a layer: a dense one, or a router with its experts and a shared one.
//
// Shapes: D hidden, E experts, F intermediate.
import type { Projection } from '@moeq/tensors';
import type { MoeConfig } from './config.js';
import { type LayerRow, layerRow } from './tensor-row.js';

type MatrixShape = (hidden: number, intermediate: number) => readonly number[];

const inwards: MatrixShape = (hidden, intermediate) => [intermediate, hidden];
const outwards: MatrixShape = (hidden, intermediate) => [hidden, intermediate];

const ofMoe =
  (shape: (moe: MoeConfig, hidden: number) => readonly number[] | null): LayerRow['shape'] =>
  ({ hiddenSize }, { mlp }) =>
    mlp.kind === 'moe' ? shape(mlp, hiddenSize) : null;

const dense = (projection: Projection, shape: MatrixShape): LayerRow =>
  layerRow(
    'denseMlp',
    ({ hiddenSize }, { mlp }) => (mlp.kind === 'dense' ? shape(hiddenSize, mlp.intermediateSize) : null),
    projection,
  );

const shared = (projection: Projection, shape: MatrixShape): LayerRow =>
  layerRow(
    'sharedExpert',
    ofMoe((moe, hidden) => (moe.shared === null ? null : shape(hidden, moe.shared.intermediateSize))),
    projection,
  );

const routing = (shape: (moe: MoeConfig, hidden: number) => readonly number[] | null): LayerRow =>
  layerRow('router', ofMoe(shape));

const expert = (projection: Projection, shape: MatrixShape): LayerRow => ({
  of: 'expert',
  role: 'expert',
  projection,
  shape: ofMoe((moe, hidden) => shape(hidden, moe.intermediateSize)),
});

export const mlpTensors = {
  denseGate: dense('gateProj', inwards),
  denseUp: dense('upProj', inwards),
  denseDown: dense('downProj', outwards),

  router: routing(({ route }, hidden) => [route.experts, hidden]),
  correctionBias: routing((moe) => (moe.correctionBias ? [moe.route.experts] : null)),
  sharedGate: shared('gateProj', inwards),
  sharedUp: shared('upProj', inwards),
  sharedDown: shared('downProj', outwards),
  /** Decides like a router how much of the shared expert a token gets, and is as small and as sensitive. */
  sharedOutputGate: routing(({ shared: one }, hidden) => (one?.gated ? [1, hidden] : null)),

  expertGate: expert('gateProj', inwards),
  expertUp: expert('upProj', inwards),
  /** In place of the two, the gate's rows above those of up. */
  expertGateUp: expert('gateUpProj', (hidden, intermediate) => [2 * intermediate, hidden]),
  expertDown: expert('downProj', outwards),
};

export type MlpSlot = keyof typeof mlpTensors;

/** Slots of tensors that are loaded by themselves, beside the matrices of MLPs. */
export const mlpParts = {
  router: ['router'],
  correctionBias: ['correctionBias'],
  sharedOutputGate: ['sharedOutputGate'],
} as const satisfies Readonly<Record<string, readonly MlpSlot[]>>;

/** The matrices of an MLP: the ways in which its input side can be stored, and its output side. */
interface MlpForms {
  readonly gateUp: readonly (readonly MlpSlot[])[];
  readonly down: MlpSlot;
}

export const mlpForms = {
  dense: { gateUp: [['denseGate', 'denseUp']], down: 'denseDown' },
  shared: { gateUp: [['sharedGate', 'sharedUp']], down: 'sharedDown' },
  expert: { gateUp: [['expertGate', 'expertUp'], ['expertGateUp']], down: 'expertDown' },
} as const satisfies Readonly<Record<string, MlpForms>>;

export type MlpName = keyof typeof mlpForms;
