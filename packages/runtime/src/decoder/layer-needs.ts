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
 * What each layer keeps of a sequence; null: nothing, as a layer without a mixer, or one that reads what another keeps. A window as
 * long as the context gives nothing back.
 */
export function cacheNeeds(config: DecoderConfig): (CacheNeed | null)[] {
  return config.layers.map((_, index) =>
    cacheLayer(config, index) === index ? needOf(config, index) : null,
  );
}

function needOf({ contextLength, layers }: DecoderConfig, index: number): CacheNeed | null {
  const layer = layers[index];
  const mixer = layer === undefined ? null : layerMixer(layer);
  if (mixer === null) return null;
  const need = mixerOf(mixer).cache(mixer);
  if (need.kind === 'state') return need;
  return { ...need, window: need.window === null || need.window >= contextLength ? null : need.window };
}

/**
 * The layer that keeps what one reads of sequences: itself, or one before.
 * @throws MoeqError where that one keeps something else, or nothing itself
 */
export function cacheLayer(config: DecoderConfig, index: number): number {
  const ofLayer = (each: number): number => {
    const layer = config.layers[each];
    const mixer = layer === undefined ? null : layerMixer(layer);
    return (mixer === null ? null : mixerOf(mixer).cacheOf?.(mixer)) ?? each;
  };
  const source = ofLayer(index);
  if (source === index) return index;
  const [own, kept] = [needOf(config, index), needOf(config, source)];
  if (source < index && ofLayer(source) === source && JSON.stringify(own) === JSON.stringify(kept))
    return source;
  throw new MoeqError({
    operation: 'configure a layer',
    subject: `layer ${index}`,
    expected: `a layer before that keeps ${JSON.stringify(own)} to read`,
    found: `layer ${source} with ${JSON.stringify(kept)}`,
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
