// Fields that most architectures of GGUF have, as data.
import {
  type AttentionConfig,
  type DecoderConfig,
  type LayerConfig,
  layerDense,
  layerMoe,
  type MoeConfig,
} from '@moeq/runtime';
import type { GgufValue } from '@moeq/tensors';
import { attentionOf } from '../../config/attention-of.js';
import type { GgufField, GgufReader } from '../architecture.js';

export const count = (key: string, field: string | null, of: GgufField['of']): GgufField => ({
  key,
  field,
  of,
  type: 'u32',
});
export const real = (key: string, field: string | null, of: GgufField['of']): GgufField => ({
  key,
  field,
  of,
  type: 'f32',
});
export const u32 = (value: number): GgufValue => ({ type: 'u32', value });
export const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const bool = (value: boolean): GgufValue => ({ type: 'bool', value });

/** The first layer with experts. */
const moeOf = ({ layers }: DecoderConfig): MoeConfig | null =>
  layers.map(layerMoe).find((each) => each !== null) ?? null;
export const ofMoe = (get: (mlp: MoeConfig) => number | null) => (decoder: DecoderConfig) => {
  const mlp = moeOf(decoder);
  return mlp === null ? null : get(mlp);
};

/** Of the first layer with attention: what others have beside it does not survive being read back, and is refused then. */
export const ofAttention =
  (get: (attention: AttentionConfig) => number | null): GgufField['of'] =>
  ({ layers }) => {
    const attention = layers.map(attentionOf).find((each) => each !== undefined);
    return attention === undefined ? null : get(attention);
  };

export const expertWidth = ofMoe((mlp) => mlp.intermediateSize);

/** Of the first dense layer; of models without one the experts', because llama.cpp wants the key. */
export const denseWidth: GgufField['of'] = (decoder) =>
  decoder.layers.map(layerDense).find((each) => each !== null)?.intermediateSize ?? expertWidth(decoder);

/** How many layers have no experts, before the first that has. */
export const leadingDense: GgufField['of'] = ({ layers }) => {
  const first = layers.findIndex((layer) => layerMoe(layer) !== null);
  return first < 0 ? layers.length : first;
};

export const expertCount = (field: string): GgufField =>
  count(
    'expert_count',
    field,
    ofMoe(({ route }) => route.experts),
  );

/** Of all models. */
export const base: readonly GgufField[] = [
  count('vocab_size', null, (decoder) => decoder.vocabularySize),
  count('context_length', 'max_position_embeddings', (decoder) => decoder.contextLength),
  count('embedding_length', 'hidden_size', (decoder) => decoder.hiddenSize),
  count('block_count', 'num_hidden_layers', (decoder) => decoder.layers.length),
  real('attention.layer_norm_rms_epsilon', 'rms_norm_eps', (decoder) => decoder.norm.epsilon),
  count(
    'expert_used_count',
    'num_experts_per_tok',
    ofMoe(({ route }) => route.expertsPerToken),
  ),
];

/** Of attention with grouped heads, but how many key heads a layer has. */
export const attentionHeads: readonly GgufField[] = [
  count(
    'attention.head_count',
    'num_attention_heads',
    ofAttention(({ heads }) => heads),
  ),
  count(
    'attention.key_length',
    'head_dim',
    ofAttention(({ headDim }) => headDim),
  ),
  count(
    'attention.value_length',
    null,
    ofAttention(({ headDim }) => headDim),
  ),
  real(
    'rope.freq_base',
    'rope_theta',
    ofAttention(({ rope }) => rope?.theta ?? null),
  ),
  count(
    'rope.dimension_count',
    null,
    ofAttention(({ rope }) => rope?.rotatedDim ?? null),
  ),
];

/** The same, with as many key heads in every layer. */
export const attention: readonly GgufField[] = [
  ...attentionHeads,
  count(
    'attention.head_count_kv',
    'num_key_value_heads',
    ofAttention(({ kvHeads }) => kvHeads),
  ),
];

/** How many experts every token has, each as wide as a routed one. */
export const sharedExperts: GgufField['of'] = ofMoe(
  ({ shared, intermediateSize }) => (shared?.intermediateSize ?? 0) / intermediateSize,
);

/** `enum llama_expert_gating_func_type` */
export const gating = { softmax: 1, sigmoid: 2 };

/** Of models whose first layers are dense, in DeepSeek's words. */
export const expertsBehindDense: readonly GgufField[] = [
  expertCount('n_routed_experts'),
  count('feed_forward_length', 'intermediate_size', denseWidth),
  count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
  count('expert_shared_count', 'n_shared_experts', sharedExperts),
  count('leading_dense_block_count', 'first_k_dense_replace', leadingDense),
];

/** How their experts are chosen and weighted. */
export function routeConfig(read: GgufReader): Readonly<Record<string, unknown>> {
  return {
    routed_scaling_factor: read.number('expert_weights_scale') || 1,
    n_group: read.number('expert_group_count') || 1,
    topk_group: read.number('expert_group_used_count') || 1,
  };
}

/** The keys that they come from. */
export function routeMetadata(decoder: DecoderConfig): Readonly<Record<string, GgufValue | null>> {
  const { score, groups, scalingFactor = 1, normalizeTopK = false } = moeOf(decoder)?.route ?? {};
  return {
    expert_gating_func: u32(score === 'sigmoid' ? gating.sigmoid : gating.softmax),
    expert_weights_scale: f32(scalingFactor),
    expert_weights_norm: bool(normalizeTopK),
    expert_group_count: groups === undefined ? null : u32(groups.count),
    expert_group_used_count: groups === undefined ? null : u32(groups.kept),
  };
}

/** Every so many layers one has experts; 1 where fewer than two have. */
export const expertInterval: GgufField['of'] = ({ layers }) => {
  const [first, second] = [...layers.keys()].filter((at) => layerMoe(layers[at] as LayerConfig) !== null);
  return first === undefined || second === undefined ? 1 : second - first;
};

/** Key heads of every layer, none where a layer has no attention: llama.cpp knows by it which layers are recurrent. */
export function keyHeads({ layers }: DecoderConfig): GgufValue {
  const heads = layers.map((layer) => attentionOf(layer)?.kvHeads ?? 0);
  return { type: 'array', of: 'i32', value: Int32Array.from(heads) };
}

/** The key heads of layers that have them, and which those are. */
export function keyHeadsOf(read: GgufReader): { readonly heads: number; readonly has: readonly boolean[] } {
  const perLayer = read.perLayer('attention.head_count_kv') ?? [];
  return { heads: Math.max(0, ...perLayer), has: perLayer.map((heads) => heads > 0) };
}
