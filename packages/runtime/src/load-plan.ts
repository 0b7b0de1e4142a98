// What a decoder will have a backend hold, part by part, from the headers of its source: nothing is read.
//
// Shapes: D hidden, H heads, HK key/value heads, C head dimension.
import type { KvCacheSpec, LoadPlan, MatrixHead, MlpHead } from '@moeq/kernels';
import type { DecoderConfig, LayerConfig, ModelSource } from './model-source.js';
import { pageSize } from './page-allocator.js';

type Source = Pick<ModelSource, 'config' | 'heads'>;

/** A plan that is being made; heads that are null are counted. */
class PlanBuilder {
  readonly #heads: ModelSource['heads'];
  readonly weights: MatrixHead[][] = [];
  readonly mlps: MlpHead[] = [];
  readonly vectors: number[] = [];
  unknown = 0;

  constructor(heads: ModelSource['heads']) {
    this.#heads = heads;
  }

  weight(...places: readonly Parameters<NonNullable<ModelSource['heads']>['matrix']>[0][]): void {
    const heads = places.map((place) => this.#heads?.matrix(place) ?? null);
    this.weights.push(heads.filter((head) => head !== null));
    this.unknown += heads.filter((head) => head === null).length;
  }

  mlp(head: MlpHead | null | undefined): void {
    if (head == null) this.unknown++;
    else this.mlps.push(head);
  }

  embedding(): void {
    this.weight({ kind: 'embedding' });
  }

  head({ tiedHead, hiddenSize }: DecoderConfig, isAlone: boolean): void {
    this.vectors.push(hiddenSize);
    if (!tiedHead) this.weight({ kind: 'head' });
    else if (isAlone) this.embedding();
  }

  layer({ attention, hiddenSize, layers }: DecoderConfig, layer: number): void {
    const { heads, kvHeads, headDim, queryKeyNorm, bias } = attention;
    const place = (projection: 'query' | 'key' | 'value' | 'output') =>
      ({ kind: 'attention', layer, projection }) as const;
    this.weight(place('query'), place('key'), place('value'));
    this.weight(place('output'));
    this.vectors.push(hiddenSize, hiddenSize);
    if (bias.qkv) this.vectors.push((heads + 2 * kvHeads) * headDim);
    if (bias.output) this.vectors.push(hiddenSize);
    if (queryKeyNorm === 'head') this.vectors.push(headDim, headDim);
    if (queryKeyNorm === 'all') this.vectors.push(heads * headDim, kvHeads * headDim);
    const { mlp } = layers[layer] as LayerConfig;
    if (mlp.kind === 'dense') {
      this.mlp(this.#heads?.mlp(layer, 'dense'));
      return;
    }
    this.weight({ kind: 'router', layer });
    if (mlp.correctionBias) this.vectors.push(mlp.route.experts);
    for (let expert = 0; expert < mlp.route.experts; expert++) this.mlp(this.#heads?.expert(layer, expert));
    if (mlp.shared === null) return;
    this.mlp(this.#heads?.mlp(layer, 'shared'));
    if (mlp.shared.gated) this.weight({ kind: 'sharedExpertGate', layer });
  }

  plan(cache: KvCacheSpec | null): LoadPlan {
    const { weights, mlps, vectors, unknown } = this;
    return { weights, mlps, vectors, cache, unknown };
  }
}

/** The KV cache of so many tokens. */
export function cacheSpec({ layers, attention }: DecoderConfig, tokens: number): KvCacheSpec {
  const { kvHeads, headDim } = attention;
  return { layers: layers.length, kvHeads, headDim, pageSize, pages: Math.ceil(tokens / pageSize) };
}

/** All of a model, as `createModel` loads it. */
export function modelPlan({ config, heads }: Source, cacheTokens: number): LoadPlan {
  const builder = new PlanBuilder(heads);
  builder.embedding();
  for (const layer of config.layers.keys()) builder.layer(config, layer);
  builder.head(config, false);
  return builder.plan(cacheSpec(config, cacheTokens));
}

/** What a model is run from a part at a time, as `layerStream` loads it: embedding, layers with their caches, head. */
export function* partPlans({ config, heads }: Source, cacheTokens: number): Generator<LoadPlan> {
  const part = (fill: (builder: PlanBuilder) => void, cache: KvCacheSpec | null = null) => {
    const builder = new PlanBuilder(heads);
    fill(builder);
    return builder.plan(cache);
  };
  yield part((builder) => builder.embedding());
  const cache = { ...cacheSpec(config, cacheTokens), layers: 1 };
  for (const layer of config.layers.keys()) yield part((builder) => builder.layer(config, layer), cache);
  yield part((builder) => builder.head(config, true));
}

/** Of kernels and their tables, and of what sizes below do not name. */
const slackBytes = 64 * 2 ** 20;

/**
 * Bytes of activations that a step of so many tokens may take beside weights and cache, float32: more than it does, so that
 * what fits with them fits.
 */
export function workingBytes(
  { hiddenSize, vocabularySize, layers, attention }: DecoderConfig,
  tokens: number,
): number {
  const { heads, kvHeads, headDim } = attention;
  const mlp = layers.reduce((most, { mlp }) => {
    const used = mlp.kind === 'moe' ? mlp.route.expertsPerToken + 1 : 1;
    const shared = mlp.kind === 'moe' ? (mlp.shared?.intermediateSize ?? 0) : 0;
    return Math.max(most, used * (3 * mlp.intermediateSize + 2 * hiddenSize) + 3 * shared);
  }, 0);
  const perToken = 8 * hiddenSize + 3 * (heads + 2 * kvHeads) * headDim + mlp;
  return slackBytes + 4 * (tokens * perToken + 8 * vocabularySize);
}
