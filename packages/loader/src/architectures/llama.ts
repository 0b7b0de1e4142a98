// What most architectures took over from Llama: names of embeddings, attention and norms, and the common part of the
// configuration. https://github.com/huggingface/transformers, models/llama.
import {
  type AttentionConfig,
  type DecoderConfig,
  type LayerConfig,
  type MixerConfig,
  type MlpConfig,
  type NormConfig,
  type RopeConfig,
  sequentialLayer,
} from '@moeq/runtime';
import type { TensorNames } from '../config/architecture.js';
import { type CommonConfig, configError, type DecoderFields } from '../config/config.js';

const selfAttention = 'model.layers.{layer}.self_attn';

export const llamaNames = {
  embedding: ['model.embed_tokens.weight'],
  head: ['lm_head.weight'],
  finalNorm: ['model.norm.weight'],
  mixerNorm: ['model.layers.{layer}.input_layernorm.weight'],
  mlpNorm: ['model.layers.{layer}.post_attention_layernorm.weight'],
  query: [`${selfAttention}.q_proj.weight`],
  key: [`${selfAttention}.k_proj.weight`],
  value: [`${selfAttention}.v_proj.weight`],
  output: [`${selfAttention}.o_proj.weight`],
} as const satisfies TensorNames;

export const biasNames = {
  queryBias: [`${selfAttention}.q_proj.bias`],
  keyBias: [`${selfAttention}.k_proj.bias`],
  valueBias: [`${selfAttention}.v_proj.bias`],
  outputBias: [`${selfAttention}.o_proj.bias`],
} as const satisfies TensorNames;

export const queryKeyNormNames = {
  queryNorm: [`${selfAttention}.q_norm.weight`],
  keyNorm: [`${selfAttention}.k_norm.weight`],
} as const satisfies TensorNames;

/** A router and experts under `mlp`, per expert (gate_proj, up_proj, down_proj) or fused, as the Qwen family has them. */
export const mlpExpertNames = {
  router: ['model.layers.{layer}.mlp.gate.weight'],
  expertGate: ['model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight'],
  expertUp: ['model.layers.{layer}.mlp.experts.{expert}.up_proj.weight'],
  expertGateUp: ['model.layers.{layer}.mlp.experts.gate_up_proj'],
  expertDown: [
    'model.layers.{layer}.mlp.experts.{expert}.down_proj.weight',
    'model.layers.{layer}.mlp.experts.down_proj',
  ],
} as const satisfies TensorNames;

export const denseNames = {
  denseGate: ['model.layers.{layer}.mlp.gate_proj.weight'],
  denseUp: ['model.layers.{layer}.mlp.up_proj.weight'],
  denseDown: ['model.layers.{layer}.mlp.down_proj.weight'],
} as const satisfies TensorNames;

/** What a layer is made of. */
interface LayerParts {
  readonly mixer: MixerConfig;
  readonly mlp: MlpConfig;
  readonly norm: NormConfig;
  readonly residualScale: number;
}

/** All projections of attention have a bias, or none. */
export function attentionBias({ attention_bias: bias }: { attention_bias: boolean }) {
  return { qkv: bias, output: bias };
}

/** What an architecture changes of the common configuration. */
export interface Differences {
  readonly modelType: string;
  /** Where config.json gives none. */
  readonly normEpsilon: number;
  /** The same; all else of the rotation is read apart. */
  readonly ropeTheta: number;
  readonly attention?: Partial<Omit<AttentionConfig, 'kind' | 'window'>>;
  /** Halves unless given. */
  readonly ropeStyle?: RopeConfig['style'];
  /** Of the dimensions of a head, how much turns; all unless given. */
  readonly rotaryShare?: number;
  readonly embeddingScale?: number;
  readonly residualScale?: number;
  readonly logitsScale?: number;
  readonly headBias?: boolean;
  /** What else the norms are; RMS norms unless given. */
  readonly norm?: Partial<Omit<NormConfig, 'epsilon'>>;
  /** Makes a layer of its parts; `sequentialLayer` unless given. */
  readonly assemble?: (parts: LayerParts) => LayerConfig;
  /**
   * @param attention of the model, over all tokens
   * @param norm of the model
   * @returns the mixer of the layer, attention over `window` tokens or over all unless another is given, and its MLP; or all of it
   */
  layer(
    index: number,
    attention: AttentionConfig,
    norm: NormConfig,
  ):
    | {
        readonly window?: AttentionConfig['window'];
        readonly mixer?: MixerConfig;
        readonly mlp: MlpConfig;
      }
    | LayerConfig;
}

/** With experts, or with none. */
type AnyConfig = CommonConfig | (DecoderFields & { readonly num_local_experts?: never });

/** @throws MoeqError when heads, key/value heads and head dimension do not fit one another, or experts their number */
export function decoderConfig(config: AnyConfig, file: string, differences: Differences): DecoderConfig {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0) {
    throw configError(
      file,
      `num_attention_heads to be a multiple of num_key_value_heads`,
      `${heads} and ${kvHeads}`,
    );
  }
  if (config.head_dim == null && config.hidden_size % heads !== 0) {
    throw configError(
      file,
      'hidden_size to be a multiple of num_attention_heads',
      `${config.hidden_size} and ${heads}`,
    );
  }
  const headDim = config.head_dim ?? config.hidden_size / heads;
  if (headDim % 2 !== 0) {
    const field = config.head_dim == null ? 'hidden_size by num_attention_heads' : 'head_dim';
    throw configError(file, `${field} to be even`, String(headDim));
  }
  if (config.num_local_experts !== undefined && config.num_experts_per_tok > config.num_local_experts) {
    throw configError(
      file,
      `num_experts_per_tok to be at most the number of experts, ${config.num_local_experts}`,
      String(config.num_experts_per_tok),
    );
  }
  const rotatedDim = Math.floor(headDim * (differences.rotaryShare ?? 1));
  if (rotatedDim === 0 || rotatedDim % 2 !== 0) {
    throw configError(file, 'partial_rotary_factor to turn an even number of dimensions', String(rotatedDim));
  }
  const attention: AttentionConfig = {
    kind: 'attention',
    heads,
    kvHeads,
    headDim,
    scale: headDim ** -0.5,
    rope: { theta: differences.ropeTheta, rotatedDim, style: differences.ropeStyle ?? 'halves' },
    queryKeyNorm: null,
    bias: { qkv: false, output: false },
    clip: null,
    window: null,
    sinks: false,
    gate: null,
    ...differences.attention,
  };
  const mixers = new Map([[attention.window, attention]]);
  const attentionOver = (window: number | null): AttentionConfig => {
    const mixer = mixers.get(window) ?? { ...attention, window };
    mixers.set(window, mixer);
    return mixer;
  };
  const norm: NormConfig = {
    kind: 'rms',
    epsilon: config.rms_norm_eps ?? differences.normEpsilon,
    weight: 'plain',
    bias: false,
    ...differences.norm,
  };
  const { residualScale = 1, assemble = sequentialLayer } = differences;
  return {
    architecture: differences.modelType,
    vocabularySize: config.vocab_size,
    hiddenSize: config.hidden_size,
    layers: Array.from({ length: config.num_hidden_layers }, (_, index) => {
      const layer = differences.layer(index, attention, norm);
      if ('blocks' in layer) return layer;
      const { window = null, mixer = attentionOver(window), mlp } = layer;
      return assemble({ mixer, mlp, norm, residualScale });
    }),
    contextLength: config.max_position_embeddings,
    norm,
    embeddingScale: differences.embeddingScale ?? 1,
    logitsScale: differences.logitsScale ?? 1,
    tiedHead: config.tie_word_embeddings,
    headBias: differences.headBias ?? false,
  };
}
