// From a configuration and its weights by slot to a decoder in a backend's memory. The factor on the logits moves into
// the final norm and the bias of the head, as W (s x) + s b = s (W x + b).
import type { Backend, Weight } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import {
  type Block,
  type BlockRun,
  type Branch,
  type DecoderLayer,
  type PlacedBlock,
  sumOf,
} from '../decoder/block.js';
import { type LoadedCarried, loadCarried } from '../decoder/carried-states.js';
import type { BranchConfig, DecoderConfig, LayerConfig, LayerNormConfig } from '../decoder/config.js';
import type { Decoder, LoadedHead } from '../decoder/decoder.js';
import { hasMixer } from '../decoder/layer.js';
import { loadLayerInput } from '../decoder/layer-inputs.js';
import { cacheLayer, decoderSizes } from '../decoder/layer-needs.js';
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
  const { embedding, carried } = await loadEmbedding(loader, config);
  const blocks: PlacedBlock[] = [];
  for (const layer of config.layers.keys()) {
    const { blocks: own, cacheLayer } = await loadLayer(loader, config, layer);
    blocks.push(...own.map((block) => ({ block, layer, cacheLayer })));
  }
  const mixing = config.layers.flatMap(({ blocks: own }) => own).findLastIndex(hasMixer) + 1;
  return {
    embedding,
    embeddingScale: config.embeddingScale,
    carried,
    mixing: blocks.slice(0, mixing),
    behind: blocks.slice(mixing),
    ...(await loadHead(loader, config, embedding)),
  };
}

/** What a token id becomes before the first layer. */
export async function loadEmbedding(
  loader: WeightLoader,
  config: DecoderConfig,
): Promise<{ readonly embedding: Weight; readonly carried: readonly LoadedCarried[] }> {
  return {
    embedding: await loader.matrix(['embedding']),
    carried: await loadCarried(loader, config.carried ?? [], decoderSizes(config)),
  };
}

/** @param embedding for a tied head; where it is not loaded, the head is loaded by itself */
export async function loadHead(
  loader: WeightLoader,
  { logitsScale, logitsCap, norm, tiedHead, headBias }: DecoderConfig,
  embedding?: Weight,
): Promise<LoadedHead> {
  const finalNorm = await loader.rowNorm(norm, 'finalNorm', {}, logitsScale);
  const slot = tiedHead ? 'embedding' : 'head';
  const head = tiedHead && embedding !== undefined ? embedding : await loader.matrix([slot]);
  return {
    finalNorm,
    head,
    headBias: headBias ? await loader.vector(['headBias'], {}, logitsScale) : undefined,
    logitsCap,
  };
}

export async function loadLayer(
  loader: WeightLoader,
  config: DecoderConfig,
  index: number,
): Promise<DecoderLayer> {
  const layer = loader.layer(index);
  const blocks: Block[] = [];
  const { blocks: configs, scaled } = config.layers[index] as LayerConfig;
  const scale = scaled === true ? await layer.number('layerScale') : 1;
  for (const [place, block] of configs.entries()) {
    const keep = place === configs.length - 1 ? scale : 1;
    const { residualScale } = block;
    // s (x + r norm(y)) = s x + (s r norm)(y)
    const factor = keep === 1 ? 1 : keep * residualScale;
    const branch = await loadBranch(layer, block, config.norm.epsilon, factor);
    blocks.push({ ...branch, keep, residualScale: keep === 1 ? residualScale : 1 });
  }
  return { blocks, cacheLayer: cacheLayer(config, index) };
}

/**
 * @param epsilon of norms within mixers
 * @param factor on what the branch gives
 * @throws MoeqError for a factor on a branch that ends without a norm
 */
async function loadBranch(
  loader: LayerWeightLoader,
  branch: BranchConfig,
  epsilon: number,
  factor = 1,
): Promise<Branch> {
  if (factor !== 1 && branch.postNorm === null) {
    throw new MoeqError({
      operation: 'load a layer',
      subject: 'blocks',
      expected: 'a norm behind the last block of a layer with a scale',
      found: 'none',
    });
  }
  const norm = (config: LayerNormConfig | null, scale = 1) =>
    config === null ? null : loader.rowNorm(config, scale);
  return {
    norm: await norm(branch.norm),
    run: await loadBody(loader, branch, epsilon),
    postNorm: await norm(branch.postNorm, factor),
  };
}

async function loadBody(loader: LayerWeightLoader, branch: BranchConfig, epsilon: number): Promise<BlockRun> {
  if ('mixer' in branch) return mixerOf(branch.mixer).load(loader, branch.mixer, epsilon);
  if ('mlp' in branch) return loadMlp(loader, branch.mlp);
  if ('layerInput' in branch) return loadLayerInput(loader, branch.layerInput, loader.index);
  const branches: Branch[] = [];
  for (const each of branch.sum) branches.push(await loadBranch(loader, each, epsilon));
  return sumOf(branches);
}
