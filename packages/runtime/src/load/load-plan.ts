// What a decoder will have a backend hold, part by part, from the headers of its source: nothing is read.
import type { KvCacheSpec, LoadPlan, MatrixHead, MlpHead } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import { pageSize } from '../caches/page-allocator.js';
import type { DecoderConfig } from '../decoder/config.js';
import { type Slot, tensorShape } from '../decoder/decoder-tensors.js';
import { mixerOf } from '../decoder/mixers.js';
import { mlpActivationsPerToken } from '../decoder/mlp.js';
import { mlpForms } from '../decoder/mlp-tensors.js';
import type { ModelSource, WeightHeads } from '../model-source.js';
import { embeddingPart, headParts, type LoadPart, layerParts } from './load-parts.js';
import { gateUpSlots } from './weight-loader.js';

type Source = Pick<ModelSource, 'config' | 'heads'>;

/** Heads that are null are counted. */
function planOf({ config, heads }: Source, parts: readonly LoadPart[], cache: KvCacheSpec | null): LoadPlan {
  const weights: MatrixHead[][] = [];
  const mlps: MlpHead[] = [];
  const vectors: number[] = [];
  let unknown = 0;
  for (const part of parts) {
    if ('mlp' in part) {
      const head = heads === undefined ? null : mlpHead(heads, part);
      if (head === null) unknown++;
      else mlps.push(head);
      continue;
    }
    const shapes = part.slots.map((slot) => tensorShape({ slot, ...part.at }, config) ?? []);
    if (shapes.every(({ length }) => length === 1)) {
      vectors.push(shapes.reduce((total, [length = 0]) => total + length, 0));
      continue;
    }
    const found = part.slots.map((slot) => heads?.head(slot, part.at) ?? null);
    weights.push(found.filter((head) => head !== null));
    unknown += found.filter((head) => head === null).length;
  }
  return { weights, mlps, vectors, cache, unknown };
}

function mlpHead(heads: WeightHeads, { mlp, at }: Extract<LoadPart, { mlp: unknown }>): MlpHead | null {
  const head = (slot: Slot) => heads.head(slot, at);
  const down = head(mlpForms[mlp].down);
  const slots = gateUpSlots(heads, mlp, at);
  const gateUp = slots.map(head).filter((one) => one !== null);
  return down === null || gateUp.length < slots.length ? null : { gateUp, down };
}

/**
 * The KV cache of so many tokens.
 * @throws MoeqError for layers that keep different numbers of a token
 */
export function cacheSpec({ architecture, layers }: DecoderConfig, tokens: number): KvCacheSpec {
  const kept = layers.map(({ mixer }) => mixerOf(mixer).cache(mixer));
  const [first = { kvHeads: 1, headDim: 1 }] = kept;
  const other = kept.find(({ kvHeads, headDim }) => kvHeads !== first.kvHeads || headDim !== first.headDim);
  if (other === undefined) {
    return { layers: layers.length, ...first, pageSize, pages: Math.ceil(tokens / pageSize) };
  }
  const size = ({ kvHeads, headDim }: typeof first) => `${kvHeads} key/value heads of ${headDim}`;
  throw new MoeqError({
    operation: 'make the KV cache',
    subject: architecture,
    expected: `${size(first)} in all layers`,
    found: size(other),
  });
}

/** All of a model, as `createModel` loads it. */
export function modelPlan(source: Source, cacheTokens: number): LoadPlan {
  const { config } = source;
  const layers = [...config.layers.keys()].flatMap((layer) => layerParts(config, layer));
  return planOf(
    source,
    [embeddingPart, ...layers, ...headParts(config, false)],
    cacheSpec(config, cacheTokens),
  );
}

/** What a model is run from a part at a time, as `layerStream` loads it: embedding, layers with their caches, head. */
export function* partPlans(source: Source, cacheTokens: number): Generator<LoadPlan> {
  const { config } = source;
  yield planOf(source, [embeddingPart], null);
  const cache = { ...cacheSpec(config, cacheTokens), layers: 1 };
  for (const layer of config.layers.keys()) yield planOf(source, layerParts(config, layer), cache);
  yield planOf(source, headParts(config, true), null);
}

/** Of kernels and their tables, and of what sizes below do not name. */
const slackBytes = 64 * 2 ** 20;

/**
 * Bytes of activations that a step of so many tokens may take beside weights and cache, float32: more than it does, so that
 * what fits with them fits.
 */
export function workingBytes({ hiddenSize, vocabularySize, layers }: DecoderConfig, tokens: number): number {
  const most = (of: (layer: DecoderConfig['layers'][number]) => number) =>
    layers.reduce((largest, layer) => Math.max(largest, of(layer)), 0);
  const perToken =
    8 * hiddenSize +
    most(({ mixer }) => mixerOf(mixer).activationsPerToken(mixer)) +
    most(({ mlp }) => mlpActivationsPerToken(mlp, hiddenSize));
  return slackBytes + 4 * (tokens * perToken + 8 * vocabularySize);
}
