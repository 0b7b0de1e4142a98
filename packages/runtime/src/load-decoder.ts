// From a configuration and its weights by place to a decoder in a backend's memory. The factor on the logits moves into
// the final norm, as W (s x) = s (W x).
import type { Backend, NormSpec, Weight } from '@moeq/kernels';
import { countWeights } from './count-weights.js';
import type { Decoder, DecoderLayer } from './decoder.js';
import { loadAttentionSpec, loadOutput, loadQkv } from './load-attention.js';
import { loadDense, loadMoe } from './load-mlp.js';
import type { DecoderConfig, LayerConfig, ModelSource } from './model-source.js';
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
  const loader = new WeightLoader(source, backend, countWeights(source.config), options);
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
  const embedding = await loadEmbedding(loader, config);
  const layers: DecoderLayer[] = [];
  for (const index of config.layers.keys()) layers.push(await loadLayer(loader, config, index));
  return {
    embedding,
    embeddingScale: config.embeddingScale,
    layers,
    residualScale: config.residualScale,
    finalNorm: await loadFinalNorm(loader, config),
    head: config.tiedHead ? embedding : await loadHead(loader, config),
  };
}

export function loadEmbedding(
  loader: WeightLoader,
  { vocabularySize, hiddenSize }: DecoderConfig,
): Promise<Weight> {
  return loader.matrix([[{ kind: 'embedding' }, vocabularySize]], hiddenSize);
}

export async function loadFinalNorm(
  loader: WeightLoader,
  { hiddenSize, logitsScale, normEpsilon: epsilon }: DecoderConfig,
): Promise<NormSpec> {
  return { weight: await loader.vector([[{ kind: 'finalNorm' }, hiddenSize]], logitsScale), epsilon };
}

export function loadHead(
  loader: WeightLoader,
  { tiedHead, vocabularySize, hiddenSize }: DecoderConfig,
): Promise<Weight> {
  return loader.matrix([[{ kind: tiedHead ? 'embedding' : 'head' }, vocabularySize]], hiddenSize);
}

export async function loadLayer(
  loader: WeightLoader,
  { attention, hiddenSize: hidden, normEpsilon: epsilon, layers }: DecoderConfig,
  layer: number,
): Promise<DecoderLayer> {
  const { window, mlp } = layers[layer] as LayerConfig;
  const norm = async (kind: 'attentionNorm' | 'mlpNorm') => ({
    weight: await loader.vector([[{ kind, layer }, hidden]]),
    epsilon,
  });
  return {
    attentionNorm: await norm('attentionNorm'),
    qkv: await loadQkv(loader, attention, hidden, layer),
    attention: await loadAttentionSpec(loader, attention, window, epsilon, layer),
    output: await loadOutput(loader, attention, hidden, layer),
    mlpNorm: await norm('mlpNorm'),
    mlp:
      mlp.kind === 'moe'
        ? await loadMoe(loader, mlp, hidden, layer)
        : await loadDense(loader, mlp, hidden, layer),
  };
}
