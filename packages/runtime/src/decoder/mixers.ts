// The list of mixers: each has a file of its own, and its configuration, its tensors and its way to run stand here. What
// follows asks all layers of a decoder.
import { MoeqError } from '@moeq/tensors';
import type { CacheNeed } from '../caches/layer-cache.js';
import { type AttentionConfig, attention, attentionTensors } from './attention.js';
import type { Mixer } from './block.js';
import type { DecoderConfig } from './config.js';
import { type LatentConfig, latent, latentTensors } from './latent.js';
import { layerMixer } from './layer.js';
import { type LengthRotation, lengthRotation } from './rope-frequencies.js';
import { type ShortConvConfig, shortConv, shortConvTensors } from './short-conv.js';

/** What mixes the tokens of a sequence, by kind. */
export type MixerConfig = AttentionConfig | LatentConfig | ShortConvConfig;

export const mixerTensors = { ...attentionTensors, ...latentTensors, ...shortConvTensors };

type MixerSlot = keyof typeof mixerTensors;

const known: {
  readonly [Kind in MixerConfig['kind']]: Mixer<Extract<MixerConfig, { kind: Kind }>, MixerSlot>;
} = { attention, latent, shortConv };

export function mixerOf({ kind }: MixerConfig): Mixer<MixerConfig, MixerSlot> {
  return known[kind];
}

/**
 * What each layer keeps of a sequence; null: nothing, as a layer without a mixer. A window as long as the context gives
 * nothing back.
 */
export function cacheNeeds({ contextLength, layers }: DecoderConfig): (CacheNeed | null)[] {
  return layers.map((layer) => {
    const mixer = layerMixer(layer);
    if (mixer === null) return null;
    const need = mixerOf(mixer).cache(mixer);
    if (need.kind === 'state') return need;
    return { ...need, window: need.window === null || need.window >= contextLength ? null : need.window };
  });
}

/**
 * Frequencies of long sequences; null: sequences of all lengths turn alike.
 * @throws MoeqError for layers whose rotations depend on the length in ways of their own
 */
export function decoderRotation({ architecture, layers }: DecoderConfig): LengthRotation | null {
  const mixers = layers.map(layerMixer).filter((mixer) => mixer !== null);
  const ropes = [...new Set(mixers.flatMap((mixer) => mixerOf(mixer).rope?.(mixer) ?? []))];
  const rotations = ropes.map(lengthRotation);
  if (rotations.every((rotation) => rotation === null)) return null;
  const kinds = new Set(ropes.map((rope) => JSON.stringify(rope)));
  if (kinds.size === 1) return rotations[0] ?? null;
  throw new MoeqError({
    operation: 'run the model',
    subject: architecture,
    expected: 'one rotation in all layers, where it depends on the length of the sequence',
    found: `${kinds.size} rotations`,
  });
}
