// What llama.cpp calls an architecture, as data: the model type that config.json has for it, and the fields of its metadata
// on both sides. Reading makes a config.json of them, writing makes them of the decoder's configuration; whatever has no
// field is the same in every model of the architecture and stands in `constants`.
// https://github.com/ggml-org/llama.cpp, conversion/*.py and src/models/*.cpp.
import { type AttentionConfig, type DecoderConfig, layerMoe, type MoeConfig } from '@moeq/runtime';
import { type GgufMetadata, MoeqError, quote } from '@moeq/tensors';
import { attentionOf } from '../config/attention-of.js';

/** A number in the metadata, `<architecture>.<key>`. */
export interface GgufField {
  readonly key: string;
  readonly type: 'u32' | 'f32';
  /** In config.json; null for what only llama.cpp needs. */
  readonly field: string | null;
  of(decoder: DecoderConfig): number | null;
}

export interface GgufArchitecture {
  /** `general.architecture` */
  readonly name: string;
  readonly modelType: string;
  /** The class of transformers. */
  readonly className: string;
  readonly fields: readonly GgufField[];
  /** In config.json, whatever the metadata says. */
  readonly constants: Readonly<Record<string, unknown>>;
  /**
   * llama.cpp rotates neighbouring numbers of a head, transformers numbers half a head apart: the rows of query and key
   * matrices lie in an order that makes them the same.
   */
  readonly permuted: boolean;
}

const count = (key: string, field: string | null, of: GgufField['of']): GgufField => ({
  key,
  field,
  of,
  type: 'u32',
});
const real = (key: string, field: string | null, of: GgufField['of']): GgufField => ({
  key,
  field,
  of,
  type: 'f32',
});

const moe = ({ layers }: DecoderConfig): MoeConfig | null =>
  layers.map(layerMoe).find((each) => each !== null) ?? null;
const ofMoe = (get: (mlp: MoeConfig) => number | null) => (decoder: DecoderConfig) => {
  const mlp = moe(decoder);
  return mlp === null ? null : get(mlp);
};
/** Of the first layer: what others have beside it does not survive being read back, and is refused then. */
const ofAttention =
  (get: (attention: AttentionConfig) => number | null): GgufField['of'] =>
  ({ layers: [first] }) => {
    const attention = attentionOf(first);
    return attention === undefined ? null : get(attention);
  };
const expertWidth = ofMoe((mlp) => mlp.intermediateSize);

const common: readonly GgufField[] = [
  count('vocab_size', null, (decoder) => decoder.vocabularySize),
  count('context_length', 'max_position_embeddings', (decoder) => decoder.contextLength),
  count('embedding_length', 'hidden_size', (decoder) => decoder.hiddenSize),
  count('block_count', 'num_hidden_layers', (decoder) => decoder.layers.length),
  count(
    'attention.head_count',
    'num_attention_heads',
    ofAttention(({ heads }) => heads),
  ),
  count(
    'attention.head_count_kv',
    'num_key_value_heads',
    ofAttention(({ kvHeads }) => kvHeads),
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
  real('attention.layer_norm_rms_epsilon', 'rms_norm_eps', (decoder) => decoder.norm.epsilon),
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
  count(
    'expert_used_count',
    'num_experts_per_tok',
    ofMoe(({ route }) => route.expertsPerToken),
  ),
];
const expertCount = (field: string) =>
  count(
    'expert_count',
    field,
    ofMoe(({ route }) => route.experts),
  );

export const ggufArchitectures: readonly GgufArchitecture[] = [
  {
    name: 'llama',
    modelType: 'mixtral',
    className: 'MixtralForCausalLM',
    fields: [
      ...common,
      expertCount('num_local_experts'),
      count('feed_forward_length', 'intermediate_size', expertWidth),
    ],
    constants: { sliding_window: null },
    permuted: true,
  },
  {
    name: 'qwen3moe',
    modelType: 'qwen3_moe',
    className: 'Qwen3MoeForCausalLM',
    fields: [
      ...common,
      expertCount('num_experts'),
      // every layer has experts: the width of a dense one is written because llama.cpp wants the key
      count('feed_forward_length', 'intermediate_size', expertWidth),
      count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
    ],
    constants: { norm_topk_prob: true, use_sliding_window: false, attention_bias: false },
    permuted: false,
  },
  {
    name: 'qwen2moe',
    modelType: 'qwen2_moe',
    className: 'Qwen2MoeForCausalLM',
    fields: [
      ...common,
      expertCount('num_experts'),
      count('feed_forward_length', 'intermediate_size', expertWidth),
      count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
      count(
        'expert_shared_feed_forward_length',
        'shared_expert_intermediate_size',
        ofMoe(({ shared }) => shared?.intermediateSize ?? null),
      ),
    ],
    constants: { norm_topk_prob: false, use_sliding_window: false, qkv_bias: true },
    permuted: false,
  },
];

/** `model_type` in the config.json of those that can be written as GGUF. */
export const ggufModelTypes: readonly string[] = ggufArchitectures.map(({ modelType }) => modelType);

/**
 * The architecture of a file's metadata.
 * @param file names it in messages
 * @throws MoeqError for one that is not known, or a `llama` without experts
 */
export function findGgufArchitecture(metadata: GgufMetadata, file: string): GgufArchitecture {
  const name = metadata.get('general.architecture');
  const architecture = ggufArchitectures.find(
    (known) => name?.type === 'string' && known.name === name.value,
  );
  const fail = (found: string): never => {
    const known = ggufArchitectures.map((one) => `${one.name} (${one.modelType})`).join(', ');
    throw new MoeqError({
      operation: 'recognise the architecture',
      subject: file,
      expected: `general.architecture to be one of ${known}`,
      found,
    });
  };
  if (architecture === undefined) return fail(name === undefined ? 'none' : quote(String(name.value)));
  if (!metadata.has(`${architecture.name}.expert_count`)) fail(`${architecture.name} without experts`);
  return architecture;
}
