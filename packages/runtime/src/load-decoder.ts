// From a configuration and its weights by place to a decoder in a backend's memory. Queries, keys and values become one
// weight; experts are read one by one; the factor on the logits moves into the final norm, as W (s x) = s (W x).
//
// Shapes: V vocabulary, D hidden, H heads, HK key/value heads, C head dimension, E experts, F intermediate.
import type { AttentionSpec, Backend, RopeSpec, Vector } from '@moeq/kernels';
import { countWeights } from './count-weights.js';
import type { Decoder, DecoderLayer, DenseMlp, MoeMlp, Projection } from './decoder.js';
import type { AttentionConfig, DecoderConfig, LayerConfig, ModelSource, MoeConfig } from './model-source.js';
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
  const { vocabularySize: vocabulary, hiddenSize: hidden, normEpsilon: epsilon } = config;
  const embedding = await loader.matrix([[{ kind: 'embedding' }, vocabulary]], hidden);
  const layers: DecoderLayer[] = [];
  for (const [index, layer] of config.layers.entries())
    layers.push(await loadLayer(loader, config, layer, index));
  const finalNorm = await loader.vector([[{ kind: 'finalNorm' }, hidden]], config.logitsScale);
  return {
    embedding,
    embeddingScale: config.embeddingScale,
    layers,
    residualScale: config.residualScale,
    finalNorm: { weight: finalNorm, epsilon },
    head: config.tiedHead ? embedding : await loader.matrix([[{ kind: 'head' }, vocabulary]], hidden),
  };
}

async function loadLayer(
  loader: WeightLoader,
  { attention, hiddenSize: hidden, normEpsilon: epsilon }: DecoderConfig,
  { window, mlp }: LayerConfig,
  layer: number,
): Promise<DecoderLayer> {
  const norm = async (kind: 'attentionNorm' | 'mlpNorm') => ({
    weight: await loader.vector([[{ kind, layer }, hidden]]),
    epsilon,
  });
  return {
    attentionNorm: await norm('attentionNorm'),
    qkv: await loadQkv(loader, attention, hidden, layer),
    attention: await attentionSpec(loader, attention, window, epsilon, layer),
    output: await loadOutput(loader, attention, hidden, layer),
    mlpNorm: await norm('mlpNorm'),
    mlp:
      mlp.kind === 'moe'
        ? await loadMoe(loader, mlp, hidden, layer)
        : await loadDense(loader, mlp, hidden, layer),
  };
}

async function loadQkv(
  loader: WeightLoader,
  config: AttentionConfig,
  hidden: number,
  layer: number,
): Promise<Projection> {
  const { heads, kvHeads, headDim } = config;
  const parts = [
    { projection: 'query', rows: heads * headDim },
    { projection: 'key', rows: kvHeads * headDim },
    { projection: 'value', rows: kvHeads * headDim },
  ] as const;
  return {
    weight: await loader.matrix(
      parts.map(({ projection, rows }) => [{ kind: 'attention', layer, projection }, rows]),
      hidden,
    ),
    bias: config.bias.qkv
      ? await loader.vector(parts.map(({ projection, rows }) => [{ kind: 'bias', layer, projection }, rows]))
      : undefined,
  };
}

async function loadOutput(
  loader: WeightLoader,
  config: AttentionConfig,
  hidden: number,
  layer: number,
): Promise<Projection> {
  const projection = 'output';
  return {
    weight: await loader.matrix(
      [[{ kind: 'attention', layer, projection }, hidden]],
      config.heads * config.headDim,
    ),
    bias: config.bias.output
      ? await loader.vector([[{ kind: 'bias', layer, projection }, hidden]])
      : undefined,
  };
}

async function attentionSpec(
  loader: WeightLoader,
  config: AttentionConfig,
  window: number | null,
  epsilon: number,
  layer: number,
): Promise<AttentionSpec> {
  const { heads, kvHeads, headDim, scale, queryKeyNorm: over, clip } = config;
  const norm = async (kind: 'queryNorm' | 'keyNorm', count: number): Promise<Vector> =>
    loader.vector([[{ kind, layer }, over === 'all' ? count * headDim : headDim]]);
  return {
    heads,
    kvHeads,
    headDim,
    scale,
    rope: ropeSpec(config),
    ...(over !== null && {
      queryNorm: { weight: await norm('queryNorm', heads), epsilon, over },
      keyNorm: { weight: await norm('keyNorm', kvHeads), epsilon, over },
    }),
    ...(clip !== null && { clip }),
    ...(window !== null && { window }),
  };
}

/** inverseFrequencies[i] = theta^(-2i / rotated); Su et al., arXiv 2104.09864. */
function ropeSpec({ rope }: AttentionConfig): RopeSpec | null {
  if (rope === null) return null;
  const { theta, rotatedDim, style } = rope;
  const inverseFrequencies = Float32Array.from(
    { length: rotatedDim / 2 },
    (_, i) => theta ** ((-2 * i) / rotatedDim),
  );
  return { inverseFrequencies, attentionFactor: 1, style };
}

async function loadMoe(
  loader: WeightLoader,
  config: MoeConfig,
  hidden: number,
  layer: number,
): Promise<MoeMlp> {
  const { route, intermediateSize, activation, correctionBias, shared } = config;
  return {
    kind: 'moe',
    router: await loader.matrix([[{ kind: 'router', layer }, route.experts]], hidden),
    route,
    correctionBias: correctionBias
      ? await loader.vector([[{ kind: 'correctionBias', layer }, route.experts]])
      : undefined,
    experts: await loader.experts(layer, route.experts, hidden, intermediateSize),
    shared: shared === null ? undefined : await loadShared(loader, shared, hidden, layer),
    activation,
  };
}

async function loadShared(
  loader: WeightLoader,
  { intermediateSize, gated }: NonNullable<MoeConfig['shared']>,
  hidden: number,
  layer: number,
): Promise<NonNullable<MoeMlp['shared']>> {
  return {
    weights: await loader.mlp(layer, 'shared', hidden, intermediateSize),
    gate: gated ? await loader.matrix([[{ kind: 'sharedExpertGate', layer }, 1]], hidden) : undefined,
  };
}

async function loadDense(
  loader: WeightLoader,
  { intermediateSize, activation }: { intermediateSize: number; activation: DenseMlp['activation'] },
  hidden: number,
  layer: number,
): Promise<DenseMlp> {
  return { kind: 'dense', weights: await loader.mlp(layer, 'dense', hidden, intermediateSize), activation };
}
