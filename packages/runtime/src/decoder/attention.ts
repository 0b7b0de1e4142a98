// Attention with grouped heads: queries, keys and values in one multiply, norms and rotation within the operation, and a
// cache of keys and values. Ainslie et al., arXiv 2305.13245.
//
// Shapes: T tokens, D hidden, H heads, HK key/value heads, C head dimension.
import type { AttentionGate, AttentionSpec, QueryFactor } from '@moeq/kernels';
import type { Projection } from '@moeq/tensors';
import { placeOfKind } from '../caches/layer-cache.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import { ropeSpec } from '../rotation/rope-frequencies.js';
import type { LayerLoader, Mixer, MixerTensor } from './block.js';

/** Grouped heads, each token over those before it. */
export interface AttentionConfig {
  readonly kind: 'attention';
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Of values; headDim unless given (MiMo-V2-Flash). */
  readonly valueDim?: number;
  readonly scale: number;
  readonly rope: RopeConfig | null;
  readonly queryKeyNorm: 'head' | 'all' | null;
  /** Whether these norms, by head, follow the rotation; no unless given (Hunyuan, Llama 4). */
  readonly normsTurned?: boolean;
  readonly bias: { readonly qkv: boolean; readonly output: boolean };
  /** Whether files hold the projections of queries, keys and values as one matrix, in this order; no unless given (DBRX). */
  readonly joined?: boolean;
  /** Bound on the size of queries, keys and values. */
  readonly clip: number | null;
  /** Tokens that one sees, itself counted; null: all before it. */
  readonly window: number | null;
  /** Whether tokens see those from the last multiple of the window on in place of the last of so many (Llama 4). */
  readonly chunked?: boolean;
  /** On queries, by their position; none unless given (Llama 4). */
  readonly queryFactor?: QueryFactor;
  /** Whether each head has a learned score beside those of the tokens, which has no value. */
  readonly sinks: boolean;
  /** Whether keys, before norm and rotation, are the values too; no unless given (Gemma 4). */
  readonly keysAsValues?: boolean;
  /** Whether values are normed by head, without weights; no unless given (Gemma 4). */
  readonly valueNorm?: boolean;
  /** The layer before whose keys and values are read in place of its own; its own unless given (Gemma 4). */
  readonly keysOf?: number;
  /** What heads are multiplied by before the output projection; null: nothing. */
  readonly gate: AttentionGate | null;
}

type Tensor = MixerTensor<AttentionConfig>;
type Shape = Tensor['shape'];

/** Of its own. */
const hasKeys = ({ keysOf }: AttentionConfig) => keysOf === undefined;
const hasValues = (config: AttentionConfig) => hasKeys(config) && config.keysAsValues !== true;

const row = (projection: Projection, shape: Shape): Tensor => ({ role: 'attention', projection, shape });
const other = (shape: Shape): Tensor => ({ role: 'attention', shape });
const norm = (
  count: (config: AttentionConfig) => number,
  has: (config: AttentionConfig) => boolean = () => true,
): Tensor => ({
  role: 'norm',
  shape: (config) => {
    const { queryKeyNorm: over, headDim } = config;
    return over === null || !has(config) ? null : [over === 'all' ? count(config) * headDim : headDim];
  },
});

const keyWidth = ({ kvHeads, headDim }: AttentionConfig) => kvHeads * headDim;
const valueDimOf = ({ headDim, valueDim = headDim }: AttentionConfig) => valueDim;
const valueWidth = (config: AttentionConfig) => config.kvHeads * valueDimOf(config);
const outputWidth = (config: AttentionConfig) => config.heads * valueDimOf(config);
const gateWidth = (config: AttentionConfig) => {
  const { heads, gate } = config;
  return gate === null ? 0 : gate.per === 'head' ? heads : heads * valueDimOf(config);
};
/** With the gates that stand between queries. */
const queryWidth = (config: AttentionConfig) =>
  config.heads * config.headDim + (config.gate?.placed === 'withQueries' ? gateWidth(config) : 0);
const hasGateProjection = ({ gate }: AttentionConfig) => gate?.placed === 'last';

const isJoined = ({ joined = false }: AttentionConfig) => joined;
const joinedWidth = (config: AttentionConfig) =>
  queryWidth(config) +
  (hasKeys(config) ? keyWidth(config) : 0) +
  (hasValues(config) ? valueWidth(config) : 0);

const tensors = {
  /** In place of those of the three behind it that there are. */
  queryKeyValue: other((c, hidden) => (isJoined(c) ? [joinedWidth(c), hidden] : null)),
  query: row('queryProj', (c, hidden) => (isJoined(c) ? null : [queryWidth(c), hidden])),
  key: row('keyProj', (c, hidden) => (hasKeys(c) && !isJoined(c) ? [keyWidth(c), hidden] : null)),
  value: row('valueProj', (c, hidden) => (hasValues(c) && !isJoined(c) ? [valueWidth(c), hidden] : null)),
  /** In place of rows between those of the queries. */
  attentionGate: other((c, hidden) => (hasGateProjection(c) ? [gateWidth(c), hidden] : null)),
  output: row('outputProj', (c, hidden) => [hidden, outputWidth(c)]),
  queryBias: row('queryProj', (c) => (c.bias.qkv ? [queryWidth(c)] : null)),
  keyBias: row('keyProj', (c) => (c.bias.qkv && hasKeys(c) ? [keyWidth(c)] : null)),
  valueBias: row('valueProj', (c) => (c.bias.qkv && hasValues(c) ? [valueWidth(c)] : null)),
  attentionGateBias: other((c) => (c.bias.qkv && hasGateProjection(c) ? [gateWidth(c)] : null)),
  outputBias: row('outputProj', (c, hidden) => (c.bias.output ? [hidden] : null)),
  queryNorm: norm(({ heads }) => heads),
  keyNorm: norm(({ kvHeads }) => kvHeads, hasKeys),
  sinks: other((c) => (c.sinks ? [c.heads] : null)),
};

type AttentionSlot = keyof typeof tensors;

const parts = {
  qkv: ['queryKeyValue', 'query', 'key', 'value', 'attentionGate'], // [(H + 2 HK) C, D] and the gates
  output: ['output'], // [D, H C]
  qkvBias: ['queryBias', 'keyBias', 'valueBias', 'attentionGateBias'],
  outputBias: ['outputBias'],
  queryNorm: ['queryNorm'],
  keyNorm: ['keyNorm'],
  sinks: ['sinks'],
} as const satisfies Readonly<Record<string, readonly AttentionSlot[]>>;

export const attention: Mixer<AttentionConfig, AttentionSlot> = {
  tensors,
  parts,
  async load(loader, config, epsilon) {
    const present = (slots: readonly AttentionSlot[]) => slots.filter((slot) => loader.has(slot));
    const qkv = await loader.matrix(present(parts.qkv));
    const qkvBias = config.bias.qkv ? await loader.vector(present(parts.qkvBias)) : undefined;
    const spec = await loadSpec(loader, config, epsilon);
    const output = await loader.matrix(parts.output);
    const outputBias = config.bias.output ? await loader.vector(parts.outputBias) : undefined;
    return (step, x, place) => {
      const { cache, layer, segments } = placeOfKind(place, 'kv');
      const rows = step.linear(x, qkv, qkvBias); // [T, (H + 2 HK) C] and the gates
      const heads = step.attention(rows, cache, layer, segments, spec); // [T, H C]
      return { output: step.linear(heads, output, outputBias), routing: null }; // [T, D]
    };
  },
  cache: ({ kvHeads, headDim, valueDim = headDim, window }) => ({
    ...{ kind: 'kv', kvHeads, headDim, window },
    ...(valueDim !== headDim && { valueDim }),
  }),
  cacheOf: ({ keysOf = null }) => keysOf,
  activationsPerToken: (config) =>
    3 * (queryWidth(config) + keyWidth(config) + valueWidth(config)) + gateWidth(config),
  rope: ({ rope }) => rope,
};

async function loadSpec(
  loader: LayerLoader<AttentionSlot>,
  {
    heads,
    kvHeads,
    headDim,
    scale,
    rope,
    queryKeyNorm: over,
    clip,
    window,
    sinks,
    gate,
    ...values
  }: AttentionConfig,
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
      ...(values.keysOf === undefined && {
        keyNorm: { weight: await loader.norm('keyNorm'), epsilon, over },
      }),
    }),
    ...(clip !== null && { clip }),
    ...(window !== null && { window, ...(values.chunked === true && { chunked: true }) }),
    ...(over !== null && values.normsTurned === true && { normsTurned: true }),
    ...(values.queryFactor !== undefined && { queryFactor: values.queryFactor }),
    ...(sinks && { sinks: await loader.vector(parts.sinks) }),
    ...(gate !== null && { gate }),
    ...(values.keysOf !== undefined
      ? { keysInCache: true }
      : {
          ...(values.keysAsValues === true && { keysAsValues: true }),
          ...(values.valueNorm === true && { valueNorm: { epsilon } }),
        }),
  };
}
