// Gemma 4 (Google; transformers models/gemma4): windows with other heads than the layers that see all tokens, whose keys are their
// values too and turn in a quarter of their pairs; last layers that read the keys and values of earlier ones; norms before and
// after; a dense MLP, perhaps beside experts, each with norms of its own, the router with another; inputs of each layer; one
// number a layer and one an expert; capped logits.
import {
  type AttentionConfig,
  type BranchConfig,
  type CarriedConfig,
  type LayerConfig,
  type MlpConfig,
  type MoeConfig,
  type NormConfig,
  type RopeConfig,
  withMixers,
} from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import {
  commonFields,
  configError,
  count,
  flag,
  layerNumber,
  maxContext,
  positive,
  width,
} from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import {
  attentionBias,
  biasNames,
  decoderConfig,
  denseNames,
  llamaNames,
  queryKeyNormNames,
} from './llama.js';

const layer = 'model.layers.{layer}';
/** Of transformers' class, which a file that leaves the field out has. */
const defaultInputDim = 256;

/** @param whole what stands for an object that is absent; fields that are absent in one have the defaults of all models */
const rotation = (
  theta: number,
  whole: { readonly rope_type?: 'proportional'; readonly partial_rotary_factor?: number },
) =>
  v.nullish(
    v.object({
      rope_type: v.nullish(v.picklist(['default', 'proportional']), 'default'),
      rope_theta: v.nullish(positive, theta),
      partial_rotary_factor: v.nullish(v.pipe(positive, v.maxValue(1)), 1),
      factor: v.nullish(v.literal(1)),
    }),
    whole,
  );

const fields = {
  ...commonFields,
  num_key_value_heads: v.optional(commonFields.num_key_value_heads, 4),
  head_dim: v.optional(width, 256),
  tie_word_embeddings: flag(true),
  hidden_activation: v.optional(commonFields.hidden_act, 'gelu_pytorch_tanh'),
  attention_bias: flag(false),
  attention_k_eq_v: flag(false),
  /** Of layers that see all tokens, in files of the hub; transformers writes `per_layer_config`. */
  global_head_dim: v.nullish(width, 512),
  num_global_key_value_heads: commonFields.num_key_value_heads,
  per_layer_config: v.nullish(
    v.record(
      v.string(),
      v.object({ head_dim: v.nullish(width), num_key_value_heads: commonFields.num_key_value_heads }),
    ),
  ),
  layer_types: slidingTypes,
  sliding_window: v.optional(count(maxContext), 512),
  rope_parameters: v.nullish(
    v.object({
      sliding_attention: rotation(10_000, {}),
      full_attention: rotation(1e6, { rope_type: 'proportional', partial_rotary_factor: 0.25 }),
    }),
    {},
  ),
  use_bidirectional_attention: v.nullish(v.literal('vision')),
  /** 0 or null: layers have no inputs of their own. */
  hidden_size_per_layer_input: v.optional(v.nullable(v.union([v.literal(0), width])), defaultInputDim),
  vocab_size_per_layer_input: v.optional(commonFields.vocab_size, 262_144),
  /** Last layers that read the keys and values of others. */
  num_kv_shared_layers: v.nullish(v.union([v.literal(0), layerNumber]), 0),
  /** Of the MLPs of those layers. */
  use_double_wide_mlp: flag(false),
  enable_moe_block: flag(false),
  /** 0: none. */
  num_local_experts: v.nullish(v.union([v.literal(0), commonFields.num_local_experts]), 0),
  num_experts_per_tok: v.nullish(v.union([v.literal(0), commonFields.num_experts_per_tok]), 0),
  intermediate_size: width,
  moe_intermediate_size: v.nullish(width),
  final_logit_softcapping: v.nullish(positive),
};

type Gemma4Config = v.InferOutput<v.ObjectSchema<typeof fields, undefined>>;

/** Of layers with a window, or of those without. */
function ropeOf({ rope_parameters: parameters }: Gemma4Config, mixer: AttentionConfig): RopeConfig {
  const {
    rope_type: type,
    rope_theta: theta,
    partial_rotary_factor: share,
  } = mixer.window === null ? parameters.full_attention : parameters.sliding_attention;
  const whole = { theta, rotatedDim: mixer.headDim, style: 'halves' as const };
  return type === 'proportional' ? { ...whole, scaling: { kind: type, share } } : whole;
}

/** Head dimension and key/value heads of a layer, where they are not those of the model. */
function ownHeads(config: Gemma4Config, index: number, slides: boolean) {
  const { per_layer_config: listed, attention_k_eq_v: shared } = config;
  if (listed != null) return listed[String(index)] ?? {};
  if (slides) return {};
  return {
    head_dim: config.global_head_dim,
    num_key_value_heads: shared ? config.num_global_key_value_heads : null,
  };
}

export const gemma4Text = defineArchitecture({
  modelTypes: ['gemma4_text'],
  names: {
    ...llamaNames,
    ...biasNames,
    ...queryKeyNormNames,
    ...denseNames,
    mixerPostNorm: [`${layer}.post_attention_layernorm.weight`],
    mlpNorm: [`${layer}.pre_feedforward_layernorm.weight`],
    densePostNorm: [`${layer}.post_feedforward_layernorm_1.weight`],
    routerNorm: [`${layer}.router.scale`],
    router: [`${layer}.router.proj.weight`],
    expertScales: [`${layer}.router.per_expert_scale`],
    expertNorm: [`${layer}.pre_feedforward_layernorm_2.weight`],
    expertGateUp: [`${layer}.experts.gate_up_proj`],
    expertDown: [`${layer}.experts.down_proj`],
    expertPostNorm: [`${layer}.post_feedforward_layernorm_2.weight`],
    mlpPostNorm: [`${layer}.post_feedforward_layernorm.weight`],
    layerInputEmbedding: ['model.embed_tokens_per_layer.weight'],
    layerInputModelProjection: ['model.per_layer_model_projection.weight'],
    layerInputNorm: ['model.per_layer_projection_norm.weight'],
    layerInputGate: [`${layer}.per_layer_input_gate.weight`],
    layerInputOutput: [`${layer}.per_layer_projection.weight`],
    layerInputPostNorm: [`${layer}.post_per_layer_input_norm.weight`],
    layerScale: [`${layer}.layer_scalar`],
  },
  fields,
  decoder: (config, file) => {
    const { num_hidden_layers: layers, hidden_size: hidden, final_logit_softcapping: cap } = config;
    const typed = slidingLayers(config.layer_types, layers, file, (index) => (index + 1) % 6 !== 0);
    // transformers lets the last layer see all tokens, whatever its type
    const slides = (index: number) => index < layers - 1 && typed(index);
    const inputs = layerInputs(config, file);
    const mlp = { activation: config.hidden_activation, bias: false };
    const own = layers - config.num_kv_shared_layers;
    if (own < 1) throw configError(file, `num_kv_shared_layers to be below ${layers}`, String(layers - own));
    const dense = { kind: 'dense' as const, ...mlp, intermediateSize: config.intermediate_size };
    const wide = { ...dense, intermediateSize: 2 * config.intermediate_size };
    const moe = config.enable_moe_block ? expertsOf(config, file) : null;
    /** Of a layer that has none of its own, the layer that has. */
    const keysOf = (index: number): number | undefined => {
      if (index < own) return undefined;
      for (let source = own - 1; source >= 0; source--) if (slides(source) === slides(index)) return source;
      const kind = slides(index) ? 'sliding' : 'full';
      throw configError(file, `a layer of ${kind} attention before layer ${own}`, 'none');
    };
    const mixers = new Map<string, AttentionConfig>();
    const mixerOf = (attention: AttentionConfig, index: number): AttentionConfig => {
      const ofLayer = ownHeads(config, index, slides(index));
      const headDim = ofLayer.head_dim ?? attention.headDim;
      const kvHeads = ofLayer.num_key_value_heads ?? attention.kvHeads;
      const source = keysOf(index);
      if (headDim % 2 !== 0 || attention.heads % kvHeads !== 0) {
        const expected = `head_dim to be even and num_key_value_heads to divide ${attention.heads} in layer ${index}`;
        throw configError(file, expected, `${headDim} and ${kvHeads}`);
      }
      const key = `${slides(index)} ${headDim} ${kvHeads} ${source}`;
      const known = mixers.get(key);
      if (known !== undefined) return known;
      const mixer: AttentionConfig = {
        ...attention,
        headDim,
        kvHeads,
        window: slides(index) ? config.sliding_window : null,
        valueNorm: true,
        ...(config.attention_k_eq_v && !slides(index) && { keysAsValues: true }),
        ...(source !== undefined && { keysOf: source }),
      };
      mixers.set(key, mixer);
      return mixer;
    };
    const decoder = decoderConfig(config, file, {
      modelType: 'gemma4_text',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      embeddingScale: hidden ** 0.5,
      attention: {
        scale: 1,
        queryKeyNorm: 'head',
        bias: attentionBias(config),
      },
      layer: (index, attention) => ({
        mixer: mixerOf(attention, index),
        mlp: index >= own && config.use_double_wide_mlp ? wide : dense,
      }),
      assemble: ({ mixer, mlp: ofLayer, norm }): LayerConfig => ({
        blocks: [
          {
            mixer,
            norm: { slot: 'mixerNorm', ...norm },
            postNorm: { slot: 'mixerPostNorm', ...norm },
            residualScale: 1,
          },
          {
            ...(moe === null
              ? { mlp: ofLayer, norm: { slot: 'mlpNorm' as const, ...norm } }
              : { sum: besideExperts(ofLayer, moe(norm), norm), norm: null }),
            postNorm: { slot: 'mlpPostNorm', ...norm },
            residualScale: 1,
          },
          ...inputs.map(({ dim }) => ({
            layerInput: { dim, activation: config.hidden_activation },
            norm: null,
            postNorm: { slot: 'layerInputPostNorm' as const, ...norm },
            residualScale: 1,
          })),
        ],
        scaled: true,
      }),
    });
    return {
      ...decoder,
      ...(inputs.length > 0 && { carried: inputs }),
      ...(cap != null && { logitsCap: cap }),
    };
  },
  turned: (decoder, config) => ({
    ...decoder,
    layers: withMixers(decoder.layers, (mixer) =>
      mixer.kind === 'attention' ? { ...mixer, rope: ropeOf(config, mixer) } : mixer,
    ),
  }),
});

/** What each layer adds of a token besides its hidden state, where the model has it. */
function layerInputs(
  {
    hidden_size_per_layer_input: dim,
    vocab_size: tokens,
    vocab_size_per_layer_input: vocabularySize,
  }: Gemma4Config,
  file: string,
): readonly CarriedConfig[] {
  if (dim === null || dim === 0) return [];
  if (vocabularySize < tokens) {
    const expected = `vocab_size_per_layer_input to be at least vocab_size, ${tokens}`;
    throw configError(file, expected, String(vocabularySize));
  }
  return [{ kind: 'layerInputs', vocabularySize, dim }];
}

function besideExperts(dense: MlpConfig, moe: MoeConfig, norm: NormConfig): BranchConfig[] {
  return [
    { mlp: moe, norm: null, postNorm: { slot: 'expertPostNorm', ...norm } },
    { mlp: dense, norm: { slot: 'mlpNorm', ...norm }, postNorm: { slot: 'densePostNorm', ...norm } },
  ];
}

/** @throws MoeqError where experts have no number or size */
function expertsOf(config: Gemma4Config, file: string): (norm: NormConfig) => MoeConfig {
  const {
    num_local_experts: experts,
    num_experts_per_tok: expertsPerToken,
    moe_intermediate_size: size,
  } = config;
  const missing = Object.entries({
    num_experts: experts === 0,
    top_k_experts: expertsPerToken === 0,
    moe_intermediate_size: size == null,
  }).find(([, isMissing]) => isMissing);
  if (missing !== undefined || size == null) throw configError(file, `a field ${missing?.[0]}`, 'none');
  return (norm) => ({
    kind: 'moe',
    route: { experts, expertsPerToken, score: 'softmax', normalizeTopK: true },
    intermediateSize: size,
    activation: config.hidden_activation,
    bias: false,
    routerBias: false,
    correctionBias: false,
    expertScales: true,
    norms: {
      router: { slot: 'routerNorm', ...norm },
      experts: { slot: 'expertNorm', ...norm },
      routerFactor: config.hidden_size ** -0.5,
    },
    shared: null,
  });
}

/** With towers for images and sound, which are carried along. */
export const gemma4 = composite(gemma4Text, {
  modelTypes: ['gemma4'],
  path: ['text_config'],
  prefix: 'model.language_model.',
});
