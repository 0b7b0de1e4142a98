// The tensors a decoder can have: what each is for (role, projection) and what shape the configuration gives it.
// Architectures only say which names their checkpoints use for these slots.
//
// Shapes: D hidden, V vocabulary, H heads, HK key/value heads, C head dimension, E experts, F intermediate.
import type { Projection, Role } from '@moeq/quantizers';
import type { DecoderConfig, LayerConfig, MoeConfig } from '@moeq/runtime';

/** The shape of one matrix or vector; null where this model has none. */
type ModelShape = (config: DecoderConfig) => readonly number[] | null;
type LayerShape = (config: DecoderConfig, layer: LayerConfig) => readonly number[] | null;

interface SlotFacts {
  readonly role: Role;
  readonly projection?: Projection;
}

export interface ModelSlot extends SlotFacts {
  readonly of: 'model';
  readonly shape: ModelShape;
}

export interface LayerSlot extends SlotFacts {
  readonly of: 'layer';
  readonly shape: LayerShape;
}

/** One matrix an expert: a tensor of its own, or one of E in a fused tensor. */
export interface ExpertSlot extends SlotFacts {
  readonly of: 'expert';
  readonly shape: LayerShape;
}

const model = (role: Role, shape: ModelShape): ModelSlot => ({ of: 'model', role, shape });
const layer = (role: Role, shape: LayerShape, projection?: Projection): LayerSlot => ({
  of: 'layer',
  role,
  shape,
  ...(projection && { projection }),
});
const queryWidth = ({ attention }: DecoderConfig) => attention.heads * attention.headDim;
const keyWidth = ({ attention }: DecoderConfig) => attention.kvHeads * attention.headDim;
const normOver = (config: DecoderConfig, all: number) => {
  const over = config.attention.queryKeyNorm;
  return over === null ? null : [over === 'all' ? all : config.attention.headDim];
};
const routed =
  (shape: (moe: MoeConfig, hidden: number) => number[] | null): LayerShape =>
  ({ hiddenSize }, { mlp }) =>
    mlp.kind === 'moe' ? shape(mlp, hiddenSize) : null;
const dense =
  (shape: (hidden: number, intermediate: number) => number[]): LayerShape =>
  ({ hiddenSize }, { mlp }) =>
    mlp.kind === 'dense' ? shape(hiddenSize, mlp.intermediateSize) : null;
const shared = (shape: (hidden: number, intermediate: number) => number[]): LayerShape =>
  routed((moe, hidden) => (moe.shared === null ? null : shape(hidden, moe.shared.intermediateSize)));

const expert = (
  projection: Projection,
  shape: (hidden: number, intermediate: number) => number[],
): ExpertSlot => ({
  of: 'expert',
  role: 'expert',
  projection,
  shape: routed((moe, hidden) => shape(hidden, moe.intermediateSize)),
});

const inwards = (hidden: number, intermediate: number) => [intermediate, hidden];
const outwards = (hidden: number, intermediate: number) => [hidden, intermediate];

export const slots = {
  embedding: model('embedding', (c) => [c.vocabularySize, c.hiddenSize]),
  head: model('head', (c) => [c.vocabularySize, c.hiddenSize]),
  finalNorm: model('norm', (c) => [c.hiddenSize]),

  attentionNorm: layer('norm', (c) => [c.hiddenSize]),
  query: layer('attention', (c) => [queryWidth(c), c.hiddenSize], 'queryProj'),
  key: layer('attention', (c) => [keyWidth(c), c.hiddenSize], 'keyProj'),
  value: layer('attention', (c) => [keyWidth(c), c.hiddenSize], 'valueProj'),
  output: layer('attention', (c) => [c.hiddenSize, queryWidth(c)], 'outputProj'),
  queryBias: layer('attention', (c) => (c.attention.bias.qkv ? [queryWidth(c)] : null), 'queryProj'),
  keyBias: layer('attention', (c) => (c.attention.bias.qkv ? [keyWidth(c)] : null), 'keyProj'),
  valueBias: layer('attention', (c) => (c.attention.bias.qkv ? [keyWidth(c)] : null), 'valueProj'),
  outputBias: layer('attention', (c) => (c.attention.bias.output ? [c.hiddenSize] : null), 'outputProj'),
  queryNorm: layer('norm', (c) => normOver(c, queryWidth(c))),
  keyNorm: layer('norm', (c) => normOver(c, keyWidth(c))),

  mlpNorm: layer('norm', (c) => [c.hiddenSize]),
  denseGate: layer('denseMlp', dense(inwards), 'gateProj'),
  denseUp: layer('denseMlp', dense(inwards), 'upProj'),
  denseDown: layer('denseMlp', dense(outwards), 'downProj'),

  router: layer(
    'router',
    routed(({ route }, hidden) => [route.experts, hidden]),
  ),
  correctionBias: layer(
    'router',
    routed((moe) => (moe.correctionBias ? [moe.route.experts] : null)),
  ),
  sharedGate: layer('sharedExpert', shared(inwards), 'gateProj'),
  sharedUp: layer('sharedExpert', shared(inwards), 'upProj'),
  sharedDown: layer('sharedExpert', shared(outwards), 'downProj'),
  /** Decides like a router how much of the shared expert a token gets, and is as small and as sensitive. */
  sharedOutputGate: layer(
    'router',
    routed(({ shared: one }, hidden) => (one?.gated ? [1, hidden] : null)),
  ),

  expertGate: expert('gateProj', inwards),
  expertUp: expert('upProj', inwards),
  expertGateUp: expert('gateUpProj', (hidden, intermediate) => [2 * intermediate, hidden]),
  expertDown: expert('downProj', outwards),
} satisfies Record<string, ModelSlot | LayerSlot | ExpertSlot>;

export type Slot = keyof typeof slots;
export const slotNames = Object.keys(slots) as readonly Slot[];
