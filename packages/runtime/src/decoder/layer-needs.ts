// What the layers of a decoder need of its caller: what each keeps of a sequence, what all are given besides the hidden state, and
// the rotation that all have in common.
import { MoeqError } from '@moeq/tensors';
import type { CacheNeed } from '../caches/layer-cache.js';
import { type LengthRotation, lengthRotation } from '../rotation/rope-frequencies.js';
import type { DecoderSizes } from './carried.js';
import { carriedStates } from './carried-states.js';
import type { DecoderConfig } from './config.js';
import { layerMixer } from './layer.js';
import { mixerOf } from './mixers.js';

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

export function decoderSizes({ hiddenSize, layers, norm }: DecoderConfig): DecoderSizes {
  return { hidden: hiddenSize, layers: layers.length, epsilon: norm.epsilon };
}

/** Numbers of a token that the layers are given besides the hidden state. */
export function carriedColumns(decoder: DecoderConfig): number {
  const { carried = [] } = decoder;
  const sizes = decoderSizes(decoder);
  return carried.reduce((sum, config) => sum + carriedStates[config.kind].columns(config, sizes), 0);
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
