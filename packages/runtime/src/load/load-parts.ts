// What a decoder is loaded from, part by part: the tensors that become one weight or one vector of a backend, and the MLPs.
// Counting and planning go over the same parts.
import type { DecoderConfig, LayerConfig } from '../decoder/config.js';
import { type Slot, type TensorPosition, tensorShape } from '../decoder/decoder-tensors.js';
import { mixerOf } from '../decoder/mixers.js';
import { type MlpName, mlpForms, mlpParts } from '../decoder/mlp-tensors.js';

/** Tensors that become one, one below the other. */
interface TensorsPart {
  readonly slots: readonly Slot[];
  readonly at: TensorPosition;
}

interface MlpPart {
  readonly mlp: MlpName;
  readonly at: TensorPosition;
}

export type LoadPart = TensorsPart | MlpPart;

export const embeddingPart: LoadPart = { slots: ['embedding'], at: {} };

/** @param isAlone whether a tied head is loaded by itself, without the embedding */
export function headParts({ tiedHead, headBias }: DecoderConfig, isAlone: boolean): LoadPart[] {
  const part = (slot: Slot): LoadPart => ({ slots: [slot], at: {} });
  const ownHead = tiedHead ? (isAlone ? [embeddingPart] : []) : [part('head')];
  return [part('finalNorm'), ...ownHead, ...(headBias ? [part('headBias')] : [])];
}

export function layerParts(config: DecoderConfig, layer: number): LoadPart[] {
  const { mixer, mlp } = config.layers[layer] as LayerConfig;
  const at = { layer };
  const lists: readonly (readonly Slot[])[] = [
    ['mixerNorm'],
    ...Object.values(mixerOf(mixer).parts),
    ['mixerPostNorm'],
    ['mlpNorm'],
    ...Object.values(mlpParts),
    ['mlpPostNorm'],
  ];
  const has = (slot: Slot, position: TensorPosition = at) =>
    tensorShape({ slot, ...position }, config) !== null;
  const tensors = lists.map((slots) => ({ slots: slots.filter((slot) => has(slot)), at }));
  const experts = mlp.kind === 'moe' ? mlp.route.experts : 0;
  const mlps: readonly MlpPart[] = [
    { mlp: 'dense', at },
    { mlp: 'shared', at },
    ...Array.from({ length: experts }, (_, expert) => ({ mlp: 'expert' as const, at: { layer, expert } })),
  ];
  return [
    ...tensors.filter(({ slots }) => slots.length > 0),
    ...mlps.filter((part) => has(mlpForms[part.mlp].down, part.at)),
  ];
}

/** How many tensors and MLPs a decoder is loaded from: the end of the loading bar. */
export function countTensors(config: DecoderConfig): number {
  const layers = [...config.layers.keys()].flatMap((layer) => layerParts(config, layer));
  return [embeddingPart, ...layers, ...headParts(config, false)].reduce(
    (total, part) => total + ('slots' in part ? part.slots.length : 1),
    0,
  );
}
