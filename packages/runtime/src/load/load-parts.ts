// What a decoder is loaded from, part by part: the tensors that become one weight or one vector of a backend, and the MLPs.
// Counting and planning go over the same parts.
import { carriedStates } from '../decoder/carried-states.js';
import type { DecoderConfig, LayerConfig } from '../decoder/config.js';
import { type Slot, type TensorPosition, tensorShape } from '../decoder/decoder-tensors.js';
import { layerMixer, layerMoe, layerNorms } from '../decoder/layer.js';
import { layerInputParts } from '../decoder/layer-inputs.js';
import { decoderSizes } from '../decoder/layer-needs.js';
import { mixerOf } from '../decoder/mixers.js';
import { type MlpName, mlpForms, mlpParts } from '../decoder/mlp-tensors.js';

/** Tensors that become one, one below the other. */
interface TensorsPart {
  readonly slots: readonly Slot[];
  /** Over which the rows of the one matrix are divided. */
  readonly heads?: number;
  readonly at: TensorPosition;
}

interface MlpPart {
  readonly mlp: MlpName;
  readonly at: TensorPosition;
}

/** A vector of ones, of a norm that has no weights. */
interface OnesPart {
  readonly ones: number;
}

export type LoadPart = TensorsPart | MlpPart | OnesPart;

const embeddingPart: LoadPart = { slots: ['embedding'], at: {} };

/** What a token id becomes before the first layer is loaded from. */
export function embeddingParts(config: DecoderConfig): LoadPart[] {
  const sizes = decoderSizes(config);
  const { carried = [] } = config;
  const parts = carried.flatMap((each) => carriedStates[each.kind].parts(each, sizes));
  return [embeddingPart, ...parts.map((slots) => ({ slots, at: {} }))];
}

/** @param isAlone whether a tied head is loaded by itself, without the embedding */
export function headParts(config: DecoderConfig, isAlone: boolean): LoadPart[] {
  const { tiedHead, hiddenSize, norm } = config;
  const part = (slot: Slot): LoadPart[] =>
    tensorShape({ slot }, config) === null ? [] : [{ slots: [slot], at: {} }];
  const ownHead = tiedHead ? (isAlone ? [embeddingPart] : []) : part('head');
  const ones = norm.weight === 'none' ? [{ ones: hiddenSize }] : [];
  return [...part('finalNorm'), ...ones, ...part('finalNormBias'), ...ownHead, ...part('headBias')];
}

export function layerParts(config: DecoderConfig, layer: number): LoadPart[] {
  const layerConfig = config.layers[layer] as LayerConfig;
  const mixer = layerMixer(layerConfig);
  const norms = layerNorms(layerConfig);
  const at = { layer };
  const lists: readonly (readonly Slot[])[] = [
    ...norms.flatMap(({ slot }): Slot[][] => [[slot], [`${slot}Bias`]]),
    ...(mixer === null ? [] : Object.values(mixerOf(mixer).parts)),
    ...Object.values(mlpParts),
    ...Object.values(layerInputParts),
  ];
  const has = (slot: Slot, position: TensorPosition = at) =>
    tensorShape({ slot, ...position }, config) !== null;
  const headsOf: Readonly<Partial<Record<Slot, number>>> =
    mixer === null ? {} : (mixerOf(mixer).headsOf?.(mixer) ?? {});
  const tensors = lists.map((slots): TensorsPart => {
    const heads = slots.flatMap((slot) => headsOf[slot] ?? [])[0];
    return { slots: slots.filter((slot) => has(slot)), at, ...(heads !== undefined && { heads }) };
  });
  const experts = layerMoe(layerConfig)?.route.experts ?? 0;
  const ones = norms.filter(({ weight }) => weight === 'none').map(() => ({ ones: config.hiddenSize }));
  const mlps: readonly MlpPart[] = [
    { mlp: 'dense', at },
    { mlp: 'shared', at },
    ...Array.from({ length: experts }, (_, expert) => ({ mlp: 'expert' as const, at: { layer, expert } })),
  ];
  return [
    ...tensors.filter(({ slots }) => slots.length > 0),
    ...ones,
    ...mlps.filter((part) => has(mlpForms[part.mlp].down, part.at)),
  ];
}

/** How many tensors and MLPs a decoder is loaded from: the end of the loading bar. */
export function countTensors(config: DecoderConfig): number {
  const layers = [...config.layers.keys()].flatMap((layer) => layerParts(config, layer));
  return [...embeddingParts(config), ...layers, ...headParts(config, false)].reduce(
    (total, part) => total + ('slots' in part ? part.slots.length : 'mlp' in part ? 1 : 0),
    0,
  );
}
