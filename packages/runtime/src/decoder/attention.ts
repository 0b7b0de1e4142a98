// Attention with grouped heads: queries, keys and values in one multiply, norms and rotation within the operation, and a
// cache of keys and values. Ainslie et al., arXiv 2305.13245.
//
// Shapes: T tokens, D hidden, H heads, HK key/value heads, C head dimension.
import type { AttentionSpec } from '@moeq/kernels';
import type { Projection } from '@moeq/tensors';
import { placeOfKind } from '../caches/layer-cache.js';
import type { LayerLoader, Mixer, MixerTensor } from './block.js';
import type { RopeConfig } from './rope-config.js';
import { ropeSpec } from './rope-frequencies.js';

/** Grouped heads, each token over those before it. */
export interface AttentionConfig {
  readonly kind: 'attention';
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly rope: RopeConfig | null;
  readonly queryKeyNorm: 'head' | 'all' | null;
  readonly bias: { readonly qkv: boolean; readonly output: boolean };
  /** Bound on the size of queries, keys and values. */
  readonly clip: number | null;
  /** Tokens that one sees, itself counted; null: all before it. */
  readonly window: number | null;
}

type Tensor = MixerTensor<AttentionConfig>;
type Shape = Tensor['shape'];

const row = (projection: Projection, shape: Shape): Tensor => ({ role: 'attention', projection, shape });
const norm = (count: (config: AttentionConfig) => number): Tensor => ({
  role: 'norm',
  shape: (config) => {
    const { queryKeyNorm: over, headDim } = config;
    return over === null ? null : [over === 'all' ? count(config) * headDim : headDim];
  },
});

const queryWidth = ({ heads, headDim }: AttentionConfig) => heads * headDim;
const keyWidth = ({ kvHeads, headDim }: AttentionConfig) => kvHeads * headDim;

const tensors = {
  query: row('queryProj', (c, hidden) => [queryWidth(c), hidden]),
  key: row('keyProj', (c, hidden) => [keyWidth(c), hidden]),
  value: row('valueProj', (c, hidden) => [keyWidth(c), hidden]),
  output: row('outputProj', (c, hidden) => [hidden, queryWidth(c)]),
  queryBias: row('queryProj', (c) => (c.bias.qkv ? [queryWidth(c)] : null)),
  keyBias: row('keyProj', (c) => (c.bias.qkv ? [keyWidth(c)] : null)),
  valueBias: row('valueProj', (c) => (c.bias.qkv ? [keyWidth(c)] : null)),
  outputBias: row('outputProj', (c, hidden) => (c.bias.output ? [hidden] : null)),
  queryNorm: norm(({ heads }) => heads),
  keyNorm: norm(({ kvHeads }) => kvHeads),
};

type AttentionSlot = keyof typeof tensors;

const parts = {
  qkv: ['query', 'key', 'value'], // [(H + 2 HK) C, D]
  output: ['output'], // [D, H C]
  qkvBias: ['queryBias', 'keyBias', 'valueBias'],
  outputBias: ['outputBias'],
  queryNorm: ['queryNorm'],
  keyNorm: ['keyNorm'],
} as const satisfies Readonly<Record<string, readonly AttentionSlot[]>>;

export const attention: Mixer<AttentionConfig, AttentionSlot> = {
  tensors,
  parts,
  async load(loader, config, epsilon) {
    const qkv = await loader.matrix(parts.qkv);
    const qkvBias = config.bias.qkv ? await loader.vector(parts.qkvBias) : undefined;
    const spec = await loadSpec(loader, config, epsilon);
    const output = await loader.matrix(parts.output);
    const outputBias = config.bias.output ? await loader.vector(parts.outputBias) : undefined;
    return (step, x, place) => {
      const { cache, layer, segments } = placeOfKind(place, 'kv');
      const rows = step.linear(x, qkv, qkvBias); // [T, (H + 2 HK) C]
      const heads = step.attention(rows, cache, layer, segments, spec); // [T, H C]
      return { output: step.linear(heads, output, outputBias), routing: null }; // [T, D]
    };
  },
  cache: ({ kvHeads, headDim, window }) => ({ kind: 'kv', kvHeads, headDim, window }),
  activationsPerToken: ({ heads, kvHeads, headDim }) => 3 * (heads + 2 * kvHeads) * headDim,
  rope: ({ rope }) => rope,
};

async function loadSpec(
  loader: LayerLoader<AttentionSlot>,
  { heads, kvHeads, headDim, scale, rope, queryKeyNorm: over, clip, window }: AttentionConfig,
  epsilon: number,
): Promise<AttentionSpec> {
  return {
    heads,
    kvHeads,
    headDim,
    scale,
    rope: ropeSpec(rope),
    ...(over !== null && {
      queryNorm: { weight: await loader.norm('queryNorm'), epsilon, over },
      keyNorm: { weight: await loader.norm('keyNorm'), epsilon, over },
    }),
    ...(clip !== null && { clip }),
    ...(window !== null && { window }),
  };
}
