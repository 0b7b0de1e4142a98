// Latent attention (MLA): a token keeps one latent and one rotated key for all heads; keys and values of heads are made of the
// latent. Queries come through a latent of their own, or straight from the input. DeepSeek-V2, arXiv 2405.04434.
//
// Shapes: T tokens, D hidden, H heads, N dimensions of a head without rotation, P those with it, R latent, Q latent of the
// queries, V value dimension.
import type { Activations, LatentSpec, QueryFactor, Step } from '@moeq/kernels';
import type { Projection } from '@moeq/tensors';
import { placeOfKind } from '../caches/layer-cache.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import { ropeSpec } from '../rotation/rope-frequencies.js';
import type { LayerLoader, Mixer, MixerTensor } from './block.js';

export interface LatentConfig {
  readonly kind: 'latent';
  readonly heads: number;
  /** Q; null: queries are made of the input. */
  readonly queryLatentDim: number | null;
  /** N */
  readonly nopeDim: number;
  /** P */
  readonly ropeDim: number;
  /** R */
  readonly latentDim: number;
  /** V */
  readonly valueDim: number;
  /** Usually (N + P)^-0.5. */
  readonly scale: number;
  readonly rope: RopeConfig | null;
  /** On queries, by their position; none unless given (Mistral 4). */
  readonly queryFactor?: QueryFactor;
  /** Of the norms of both latents. */
  readonly normEpsilon: number;
  /** Whether what makes latents, and the output, have biases. */
  readonly bias: boolean;
}

type Tensor = MixerTensor<LatentConfig>;
type Shape = Tensor['shape'];

const row = (shape: Shape, projection?: Projection): Tensor => ({
  role: 'attention',
  shape,
  ...(projection !== undefined && { projection }),
});
const norm = (shape: Shape): Tensor => ({ role: 'norm', shape });

const queryWidth = ({ heads, nopeDim, ropeDim }: LatentConfig) => heads * (nopeDim + ropeDim);
const ofQueryLatent =
  (shape: (queryLatentDim: number, config: LatentConfig, hidden: number) => number[]): Shape =>
  (config, hidden) =>
    config.queryLatentDim === null ? null : shape(config.queryLatentDim, config, hidden);
const biased =
  (shape: Shape): Shape =>
  (config, hidden) =>
    config.bias ? shape(config, hidden) : null;

const tensors = {
  latentQuery: row((c, hidden) => (c.queryLatentDim === null ? [queryWidth(c), hidden] : null), 'queryProj'),
  queryDown: row(ofQueryLatent((rank, _, hidden) => [rank, hidden])),
  queryDownBias: row(biased(ofQueryLatent((rank) => [rank]))),
  queryDownNorm: norm(ofQueryLatent((rank) => [rank])),
  queryUp: row(ofQueryLatent((rank, c) => [queryWidth(c), rank])),
  latentDown: row((c, hidden) => [c.latentDim + c.ropeDim, hidden]),
  latentDownBias: row(biased((c) => [c.latentDim + c.ropeDim])),
  latentNorm: norm((c) => [c.latentDim]),
  /** Of each head the rows of its keys, then those of its values. */
  latentUp: row((c) => [c.heads * (c.nopeDim + c.valueDim), c.latentDim]),
  latentOutput: row((c, hidden) => [hidden, c.heads * c.valueDim], 'outputProj'),
  latentOutputBias: row(
    biased((_, hidden) => [hidden]),
    'outputProj',
  ),
};

type LatentSlot = keyof typeof tensors;

const parts = {
  query: ['latentQuery'], // [H (N + P), D]
  queryDown: ['queryDown'], // [Q, D]
  queryDownBias: ['queryDownBias'],
  queryDownNorm: ['queryDownNorm'],
  queryUp: ['queryUp'], // [H (N + P), Q]
  latentDown: ['latentDown'], // [R + P, D]
  latentDownBias: ['latentDownBias'],
  latentNorm: ['latentNorm'],
  latentUp: ['latentUp'], // [H (N + V), R]
  output: ['latentOutput'], // [D, H V]
  outputBias: ['latentOutputBias'],
} as const satisfies Readonly<Record<string, readonly LatentSlot[]>>;

export const latent: Mixer<LatentConfig, LatentSlot> = {
  tensors,
  parts,
  headsOf: ({ heads }) => ({ latentUp: heads }),
  async load(loader, config) {
    const { heads, nopeDim, ropeDim, latentDim, valueDim, scale, rope, bias, normEpsilon } = config;
    const queriesOf = await loadQueries(loader, config);
    const down = await loader.matrix(parts.latentDown);
    const downBias = bias ? await loader.vector(parts.latentDownBias) : undefined;
    const spec: LatentSpec = {
      ...{ heads, nopeDim, ropeDim, latentDim, valueDim, scale },
      rope: ropeSpec(rope),
      ...(config.queryFactor !== undefined && { queryFactor: config.queryFactor }),
      norm: { weight: await loader.norm('latentNorm'), epsilon: normEpsilon },
    };
    const up = await loader.heads('latentUp', heads);
    const output = await loader.matrix(parts.output);
    const outputBias = bias ? await loader.vector(parts.outputBias) : undefined;
    return (step, x, place) => {
      const { cache, layer, segments } = placeOfKind(place, 'kv');
      const queries = queriesOf(step, x); // [T, H (N + P)]
      const latents = step.linear(x, down, downBias); // [T, R + P]
      const mixed = step.latentAttention(queries, latents, up, cache, layer, segments, spec); // [T, H V]
      return { output: step.linear(mixed, output, outputBias), routing: null }; // [T, D]
    };
  },
  cache: ({ latentDim, ropeDim }) => ({
    kind: 'kv',
    kvHeads: 1,
    headDim: latentDim + ropeDim,
    valueDim: 0,
    window: null,
  }),
  activationsPerToken({ heads, nopeDim, ropeDim, latentDim, valueDim, queryLatentDim }) {
    const perHead = 2 * (nopeDim + ropeDim + valueDim) + 2 * latentDim + ropeDim;
    return heads * perHead + 2 * (latentDim + ropeDim) + 2 * (queryLatentDim ?? 0);
  },
  rope: ({ rope }) => rope,
};

/** Issues what makes the queries of inputs. */
async function loadQueries(
  loader: LayerLoader<LatentSlot>,
  { queryLatentDim, bias, normEpsilon }: LatentConfig,
): Promise<(step: Step, x: Activations) => Activations> {
  if (queryLatentDim === null) {
    const query = await loader.matrix(parts.query);
    return (step, x) => step.linear(x, query);
  }
  const down = await loader.matrix(parts.queryDown);
  const downBias = bias ? await loader.vector(parts.queryDownBias) : undefined;
  const norm = { weight: await loader.norm('queryDownNorm'), epsilon: normEpsilon };
  const up = await loader.matrix(parts.queryUp);
  return (step, x) => step.linear(step.norm(step.linear(x, down, downBias), norm), up);
}
