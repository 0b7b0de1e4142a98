// The table of tensors: every tensor that a decoder can have, by slot, with its role, its projection and the shape that a
// configuration gives it, null where the model has none. Names in checkpoints and GGUF files, loading, counting, memory
// plans, checks of files and the roles of recipes derive from it.
//
// Shapes: D hidden, V vocabulary.
import type { MixerTensor } from './block.js';
import type { CarriedTensor } from './carried.js';
import { type CarriedConfig, type CarriedSlot, carriedStates } from './carried-states.js';
import type { DecoderConfig, NormSlot } from './config.js';
import { layerInput, layerMixer, layerMoe, layerNorm } from './layer.js';
import { decoderSizes } from './layer-needs.js';
import { type MixerConfig, type MixerSlot, mixers } from './mixers.js';
import { mlpTensors } from './mlp-tensors.js';
import { type LayerRow, layerRow, type ModelRow, modelRow, type TensorRow } from './tensor-row.js';

/** Weights and bias of a norm of a layer, each absent where the layer has none. */
function norm<Own extends NormSlot>(slot: Own): Record<Own | `${Own}Bias`, LayerRow> {
  const weight = layerRow('norm', ({ hiddenSize }, layer) => {
    const found = layerNorm(layer, slot);
    return found === null || found.weight === 'none' ? null : [hiddenSize];
  });
  const bias = layerRow('norm', ({ hiddenSize }, layer) =>
    layerNorm(layer, slot)?.bias === true ? [hiddenSize] : null,
  );
  return { [slot]: weight, [`${slot}Bias`]: bias } as Record<Own | `${Own}Bias`, LayerRow>;
}

/** The tensors of all mixers; a layer has those of its own. */
const mixerRows = Object.fromEntries(
  Object.entries(mixers).flatMap(([kind, { tensors }]) =>
    Object.entries<MixerTensor<MixerConfig>>(tensors).map(([slot, { role, projection, shape }]) => [
      slot,
      layerRow(
        role,
        ({ hiddenSize }, layer) => {
          const mixer = layerMixer(layer);
          return mixer?.kind === kind ? shape(mixer, hiddenSize) : null;
        },
        projection,
      ),
    ]),
  ),
) as Readonly<Record<MixerSlot, LayerRow>>;

/** The tensors of all that may be carried; a model has those of what its decoder carries. */
const carriedRows = Object.fromEntries(
  Object.entries(carriedStates).flatMap(([kind, { tensors }]) =>
    Object.entries<CarriedTensor<CarriedConfig>>(tensors).map(([slot, { role, shape }]) => [
      slot,
      modelRow(role, (decoder) => {
        const config = decoder.carried?.find((each) => each.kind === kind);
        return config === undefined ? null : shape(config, decoderSizes(decoder));
      }),
    ]),
  ),
) as Readonly<Record<CarriedSlot, ModelRow>>;

/** Of the block by which a layer adds its input: as large as dense matrices, and as sensitive. */
const layerInputRow = (shape: (dim: number, hidden: number) => readonly number[]): LayerRow =>
  layerRow('denseMlp', ({ hiddenSize }, layer) => {
    const dim = layerInput(layer)?.dim;
    return dim === undefined ? null : shape(dim, hiddenSize);
  });

const table = {
  embedding: modelRow('embedding', (c) => [c.vocabularySize, c.hiddenSize]),
  ...carriedRows,

  ...norm('mixerNorm'),
  ...mixerRows,
  ...norm('mixerPostNorm'),
  ...norm('mlpNorm'),
  ...norm('routerNorm'),
  ...norm('expertNorm'),
  ...mlpTensors,
  ...norm('densePostNorm'),
  ...norm('expertPostNorm'),
  ...norm('mlpPostNorm'),
  layerInputGate: layerInputRow((dim, hidden) => [dim, hidden]),
  layerInputOutput: layerInputRow((dim, hidden) => [hidden, dim]),
  ...norm('layerInputPostNorm'),
  /** One number, which multiplies what the layer gives. */
  layerScale: layerRow('norm', (_, { scaled }) => (scaled === true ? [1] : null)),

  finalNorm: modelRow('norm', ({ norm: { weight }, hiddenSize }) =>
    weight === 'none' ? null : [hiddenSize],
  ),
  finalNormBias: modelRow('norm', ({ norm: { bias }, hiddenSize }) => (bias ? [hiddenSize] : null)),
  /** Of a tied head too, for files that hold the matrix twice. */
  head: modelRow('head', (c) => [c.vocabularySize, c.hiddenSize]),
  headBias: modelRow('head', (c) => (c.headBias ? [c.vocabularySize] : null)),
};

export type Slot = keyof typeof table;

export const decoderTensors: Readonly<Record<Slot, TensorRow>> = table;
export const slotNames = Object.keys(table) as readonly Slot[];

/** Where a tensor stands among those of its slot. */
export interface TensorPosition {
  readonly layer?: number;
  /** Of a tensor that holds one expert; absent for one that holds all of a layer. */
  readonly expert?: number;
}

export interface TensorPlace extends TensorPosition {
  readonly slot: Slot;
}

/**
 * The shape that the configuration gives to a place: [E, N, K] for the fused tensor of an expert slot; null where this
 * model has no such tensor.
 */
export function tensorShape(
  { slot, layer: index, expert }: TensorPlace,
  config: DecoderConfig,
): readonly number[] | null {
  const row = decoderTensors[slot];
  if (row.of === 'model') return row.shape(config);
  const layer = index === undefined ? undefined : config.layers[index];
  const shape = layer === undefined ? null : row.shape(config, layer);
  const moe = row.of === 'layer' || shape === null || layer === undefined ? null : layerMoe(layer);
  if (moe === null || shape === null) return shape;
  const { experts } = moe.route;
  if (expert === undefined) return [experts, ...shape];
  return expert < experts ? shape : null;
}

/**
 * Whether what stands at a place is a matrix, or the matrices of all experts; else vectors, norms and what is as
 * sensitive, or the taps of a convolution.
 * @param axes of the tensor there
 */
export function holdsMatrix({ slot, expert }: TensorPlace, axes: number): boolean {
  if (decoderTensors[slot].role === 'norm') return false;
  const isStacked = decoderTensors[slot].of === 'expert' && expert === undefined;
  return axes === (isStacked ? 3 : 2);
}

/**
 * Every place that the configuration has, in the order in which a token passes: an expert slot once an expert, and all forms
 * of an expert's input side.
 */
export function* decoderPlaces(config: DecoderConfig): Generator<TensorPlace> {
  const isOfLayer = (slot: Slot) => decoderTensors[slot].of !== 'model';
  const [first, last] = [slotNames.findIndex(isOfLayer), slotNames.findLastIndex(isOfLayer)];
  const ofModel = (slot: Slot) => (tensorShape({ slot }, config) === null ? [] : [{ slot }]);
  for (const slot of slotNames.slice(0, first)) yield* ofModel(slot);
  for (const [layer, layerConfig] of config.layers.entries()) {
    const experts = layerMoe(layerConfig)?.route.experts ?? 0;
    for (const slot of slotNames.slice(first, last + 1)) {
      const ofLayer = { slot, layer };
      if (tensorShape(ofLayer, config) === null) continue;
      if (decoderTensors[slot].of === 'layer') yield ofLayer;
      else for (let expert = 0; expert < experts; expert++) yield { ...ofLayer, expert };
    }
  }
  for (const slot of slotNames.slice(last + 1)) yield* ofModel(slot);
}

/** A place in words, for messages: `expertDown of layer 3, expert 1`. */
export function describePlace({ slot, layer, expert }: TensorPlace): string {
  const ofLayer = layer === undefined ? '' : ` of layer ${layer}`;
  return `${slot}${ofLayer}${expert === undefined ? '' : `, expert ${expert}`}`;
}
