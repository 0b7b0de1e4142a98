// From a configuration and its weights by slot to a decoder in a backend's memory. The factor on the logits moves into
// the final norm and the bias of the head, as W (s x) + s b = s (W x + b).
import type { Backend, Weight } from '@moeq/kernels';
import { type Block, type BlockRun, type Branch, type DecoderLayer, sumOf } from '../decoder/block.js';
import type { BranchConfig, DecoderConfig, LayerConfig, LayerNormConfig } from '../decoder/config.js';
import type { Decoder } from '../decoder/decoder.js';
import { mixerOf } from '../decoder/mixers.js';
import { loadMlp } from '../decoder/mlp.js';
import type { ModelSource } from '../model-source.js';
import { countTensors } from './load-parts.js';
import { type LayerWeightLoader, type LoadOptions, WeightLoader } from './weight-loader.js';

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
  { logitsScale, norm, tiedHead, headBias }: DecoderConfig,
  embedding?: Weight,
): Promise<Pick<Decoder, 'finalNorm' | 'head' | 'headBias'>> {
  const finalNorm = await loader.rowNorm(norm, 'finalNorm', {}, logitsScale);
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
  config: DecoderConfig,
  index: number,
): Promise<DecoderLayer> {
  const layer = loader.layer(index);
  const blocks: Block[] = [];
  for (const block of (config.layers[index] as LayerConfig).blocks) {
    const branch = await loadBranch(layer, block, config.norm.epsilon);
    blocks.push({ ...branch, residualScale: block.residualScale });
  }
  return { blocks };
}

/** @param epsilon of norms within mixers */
async function loadBranch(loader: LayerWeightLoader, branch: BranchConfig, epsilon: number): Promise<Branch> {
  const norm = (config: LayerNormConfig | null) => (config === null ? null : loader.rowNorm(config));
  return {
    norm: await norm(branch.norm),
    run: await loadBody(loader, branch, epsilon),
    postNorm: await norm(branch.postNorm),
  };
}

async function loadBody(loader: LayerWeightLoader, branch: BranchConfig, epsilon: number): Promise<BlockRun> {
  if ('mixer' in branch) return mixerOf(branch.mixer).load(loader, branch.mixer, epsilon);
  if ('mlp' in branch) return loadMlp(loader, branch.mlp);
  const branches: Branch[] = [];
  for (const each of branch.sum) branches.push(await loadBranch(loader, each, epsilon));
  return sumOf(branches);
}
