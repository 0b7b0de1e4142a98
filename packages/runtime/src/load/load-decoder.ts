// From a configuration and its weights by slot to a decoder in a backend's memory. The factor on the logits moves into
// the final norm and the bias of the head, as W (s x) + s b = s (W x + b).
import type { Backend, Weight } from '@moeq/kernels';
import type { DecoderLayer } from '../decoder/block.js';
import type { DecoderConfig, LayerConfig } from '../decoder/config.js';
import type { Decoder } from '../decoder/decoder.js';
import { mixerOf } from '../decoder/mixers.js';
import { loadMlp } from '../decoder/mlp.js';
import type { ModelSource } from '../model-source.js';
import { countTensors } from './load-parts.js';
import { type LoadOptions, WeightLoader } from './weight-loader.js';

export interface LoadedDecoder {
  readonly decoder: Decoder;
  readonly bytes: number;
  /** Frees all weights in the backend. */
  release(): void;
}

/**
 * @throws MoeqError when a weight does not have the shape that the configuration gives it; the signal's reason when it
 *   aborts. Nothing stays loaded then.
 */
export async function loadDecoder(
  source: ModelSource,
  backend: Backend,
  options: LoadOptions,
): Promise<LoadedDecoder> {
  const loader = new WeightLoader(source, backend, countTensors(source.config), options);
  try {
    const decoder = await load(loader, source.config);
    options.signal?.throwIfAborted();
    return { decoder, bytes: loader.bytes, release: () => loader.release() };
  } catch (error) {
    loader.release();
    throw error;
  }
}

async function load(loader: WeightLoader, config: DecoderConfig): Promise<Decoder> {
  const embedding = await loadEmbedding(loader);
  const layers: DecoderLayer[] = [];
  for (const index of config.layers.keys()) layers.push(await loadLayer(loader, config, index));
  return {
    embedding,
    embeddingScale: config.embeddingScale,
    layers,
    ...(await loadHead(loader, config, embedding)),
  };
}

export function loadEmbedding(loader: WeightLoader): Promise<Weight> {
  return loader.matrix(['embedding']);
}

/** @param embedding for a tied head; where it is not loaded, the head is loaded by itself */
export async function loadHead(
  loader: WeightLoader,
  { logitsScale, normEpsilon: epsilon, tiedHead, headBias }: DecoderConfig,
  embedding?: Weight,
): Promise<Pick<Decoder, 'finalNorm' | 'head' | 'headBias'>> {
  const finalNorm = { weight: await loader.norm('finalNorm', {}, logitsScale), epsilon };
  const slot = tiedHead ? 'embedding' : 'head';
  const head = tiedHead && embedding !== undefined ? embedding : await loader.matrix([slot]);
  return {
    finalNorm,
    head,
    headBias: headBias ? await loader.vector(['headBias'], {}, logitsScale) : undefined,
  };
}

export async function loadLayer(
  loader: WeightLoader,
  { normEpsilon: epsilon, residualScale, layers }: DecoderConfig,
  index: number,
): Promise<DecoderLayer> {
  const { mixer, mlp } = layers[index] as LayerConfig;
  const layer = loader.layer(index);
  const norm = async (slot: 'mixerNorm' | 'mixerPostNorm' | 'mlpNorm' | 'mlpPostNorm') =>
    layer.has(slot) ? { weight: await layer.norm(slot), epsilon } : null;
  return {
    blocks: [
      {
        norm: await norm('mixerNorm'),
        run: await mixerOf(mixer).load(layer, mixer, epsilon),
        postNorm: await norm('mixerPostNorm'),
        residualScale,
      },
      {
        norm: await norm('mlpNorm'),
        run: await loadMlp(layer, mlp),
        postNorm: await norm('mlpPostNorm'),
        residualScale,
      },
    ],
  };
}
