// What a decoder will load into a backend, part by part, from the headers of its source: nothing is read.
import type { HeadsHead, LoadPlan, MatrixHead, MlpHead } from '@moeq/kernels';
import { elementCount } from '@moeq/tensors';
import { type CacheGroup, cacheGroups, kvSpec, layerGroup, stateSpecs } from '../caches/cache-groups.js';
import { carriedStates } from '../decoder/carried-states.js';
import type { DecoderConfig, LayerConfig } from '../decoder/config.js';
import { holdsMatrix, type Slot, tensorShape } from '../decoder/decoder-tensors.js';
import { layerMixer, layerMlps } from '../decoder/layer.js';
import { cacheNeeds, decoderSizes } from '../decoder/layer-needs.js';
import { mixerOf } from '../decoder/mixers.js';
import { mlpActivationsPerToken } from '../decoder/mlp.js';
import type { ModelSource, WeightHeads } from '../model-source.js';
import { embeddingParts, headParts, type LoadPart, layerParts } from './load-parts.js';
import { mlpSlots } from './read-mlp.js';

type Source = Pick<ModelSource, 'config' | 'heads'>;

/** Heads that are null are counted. */
function planOf(
  { config, heads: tensors }: Source,
  parts: readonly LoadPart[],
  groups: readonly CacheGroup[],
): LoadPlan {
  const weights: MatrixHead[][] = [];
  const heads: HeadsHead[] = [];
  const mlps: MlpHead[] = [];
  const vectors: number[] = [];
  let unknown = 0;
  for (const part of parts) {
    if ('mlp' in part) {
      const head = tensors === undefined ? null : mlpHead(config, tensors, part);
      if (head === null) unknown++;
      else mlps.push(head);
      continue;
    }
    if ('ones' in part) {
      vectors.push(part.ones);
      continue;
    }
    const shapes = part.slots.map((slot) => tensorShape({ slot, ...part.at }, config) ?? []);
    const isMatrix = (slot: Slot, index: number) =>
      holdsMatrix({ slot, ...part.at }, shapes[index]?.length ?? 0);
    if (!part.slots.some(isMatrix)) {
      vectors.push(shapes.reduce((total, shape) => total + elementCount(shape), 0));
      continue;
    }
    const found = part.slots.map((slot) => tensors?.head(slot, part.at) ?? null);
    const known = found.filter((head) => head !== null);
    const { heads: count } = part;
    if (count === undefined) weights.push(known);
    else heads.push(...known.map((matrix) => ({ matrix, heads: count })));
    unknown += found.filter((head) => head === null).length;
  }
  const caches = groups.flatMap((group) => (group.kind === 'kv' ? [kvSpec(group)] : []));
  const states = groups.flatMap((group) => (group.kind === 'state' ? stateSpecs(group) : []));
  return { weights, mlps, vectors, heads, caches, states, unknown };
}

function mlpHead(
  config: DecoderConfig,
  heads: WeightHeads,
  { mlp, at }: Extract<LoadPart, { mlp: unknown }>,
): MlpHead | null {
  const head = (slot: Slot) => heads.head(slot, at);
  const slots = mlpSlots(config, heads, mlp, at);
  const down = head(slots.down);
  const gateUp = slots.gateUp.map(head).filter((one) => one !== null);
  const biases = [...slots.gateUpBias, ...slots.downBias].reduce(
    (total, slot) => total + (tensorShape({ slot, ...at }, config)?.[0] ?? 0),
    0,
  );
  return down === null || gateUp.length < slots.gateUp.length ? null : { gateUp, down, biases };
}

/** Enough tokens to fill the experts of a layer, few enough to stop or to interleave sequences between two chunks. */
export const defaultPrefillChunk = 256;

/**
 * All of a model, as `createModel` loads it.
 * @param chunk tokens of a sequence that a step feeds at most
 */
export function modelPlan(
  source: Source,
  cacheTokens: number,
  chunk: number = defaultPrefillChunk,
): LoadPlan {
  const { config } = source;
  const layers = [...config.layers.keys()].flatMap((layer) => layerParts(config, layer));
  return planOf(
    source,
    [...embeddingParts(config), ...layers, ...headParts(config, false)],
    cacheGroups(cacheNeeds(config), { tokens: cacheTokens, chunk }),
  );
}

/** What a model is run from a part at a time, as `layerStream` loads it: embedding, layers with their caches, head. */
export function* partPlans(
  source: Source,
  cacheTokens: number,
  chunk: number = defaultPrefillChunk,
): Generator<LoadPlan> {
  const { config } = source;
  yield planOf(source, embeddingParts(config), []);
  for (const [layer, need] of cacheNeeds(config).entries()) {
    const groups = need === null ? [] : [layerGroup(need, { tokens: cacheTokens, chunk })];
    yield planOf(source, layerParts(config, layer), groups);
  }
  yield planOf(source, headParts(config, true), []);
}

/** Of kernels and their tables, and of what sizes below do not name. */
const slackBytes = 64 * 2 ** 20;

/**
 * Bytes of activations that a step of so many tokens may take beside weights and cache, float32: more than it does, so that
 * what fits with them fits.
 */
export function workingBytes(config: DecoderConfig, tokens: number): number {
  const { hiddenSize, vocabularySize, layers, carried = [] } = config;
  const most = (of: (layer: LayerConfig) => number) =>
    layers.reduce((largest, layer) => Math.max(largest, of(layer)), 0);
  const ofMixer = (layer: LayerConfig): number => {
    const mixer = layerMixer(layer);
    return mixer === null ? 0 : mixerOf(mixer).activationsPerToken(mixer);
  };
  const ofMlps = (layer: LayerConfig): number =>
    layerMlps(layer).reduce((sum, mlp) => sum + mlpActivationsPerToken(mlp, hiddenSize), 0);
  const sizes = decoderSizes(config);
  const ofCarried = carried.reduce(
    (sum, each) => sum + carriedStates[each.kind].activationsPerToken(each, sizes),
    0,
  );
  const perToken = 8 * hiddenSize + most(ofMixer) + most(ofMlps) + ofCarried;
  return slackBytes + 4 * (tokens * perToken + 8 * vocabularySize);
}
