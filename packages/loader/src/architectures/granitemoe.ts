// GraniteMoE (IBM Granite 3; transformers models/granitemoe, models/granitemoeshared): experts fused on the hub too, softmax
// over the chosen experts only, and multipliers on embeddings, residuals, attention scores and logits; perhaps a shared MLP.
import type { DecoderConfig, MixerConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture, type TensorNames } from '../config/architecture.js';
import { commonFields, factor, flag, width } from '../config/config.js';
import { attentionBias, biasNames, type Differences, decoderConfig, llamaNames } from './llama.js';

const block = 'model.layers.{layer}.block_sparse_moe';

export const graniteNames = {
  ...llamaNames,
  ...biasNames,
  router: [`${block}.router.layer.weight`, `${block}.router.weight`],
  expertGateUp: [`${block}.input_linear.weight`, `${block}.experts.gate_up_proj`],
  expertDown: [
    `${block}.output_linear.weight`,
    `${block}.experts.down_proj`,
    `${block}.experts.{expert}.down_proj.weight`,
  ],
  // apart, as GGUF files have them
  expertGate: [`${block}.experts.{expert}.gate_proj.weight`],
  expertUp: [`${block}.experts.{expert}.up_proj.weight`],
  sharedGate: ['model.layers.{layer}.shared_mlp.gate_proj.weight'],
  sharedUp: ['model.layers.{layer}.shared_mlp.up_proj.weight'],
  sharedGateUp: ['model.layers.{layer}.shared_mlp.input_linear.weight'],
  sharedDown: ['model.layers.{layer}.shared_mlp.output_linear.weight'],
} as const satisfies TensorNames;

export const multiplierFields = {
  attention_multiplier: factor,
  embedding_multiplier: factor,
  residual_multiplier: factor,
  logits_scaling: factor,
};

/** Those of a decoder; attention has its own. */
export function multipliers(config: v.InferOutput<v.ObjectSchema<typeof multiplierFields, undefined>>) {
  return {
    embeddingScale: config.embedding_multiplier,
    residualScale: config.residual_multiplier,
    logitsScale: 1 / config.logits_scaling,
  };
}

export const graniteFields = {
  ...commonFields,
  ...multiplierFields,
  model_type: v.string(),
  intermediate_size: width,
  shared_intermediate_size: v.nullish(v.union([v.literal(0), width], 'an integer from 0'), 0),
  attention_bias: flag(false),
};

type GraniteConfig = v.InferOutput<v.ObjectSchema<typeof graniteFields, undefined>>;

interface GraniteDifferences {
  readonly attention?: Differences['attention'];
  /** Tokens that one sees in a layer; null: all before it. */
  window?(layer: number): number | null;
  /** undefined: attention. */
  mixer?(layer: number): MixerConfig | undefined;
}

export function graniteDecoder(
  config: GraniteConfig,
  file: string,
  { attention, window = () => null, mixer = () => undefined }: GraniteDifferences = {},
): DecoderConfig {
  const mlp = { activation: config.hidden_act, bias: false };
  const { shared_intermediate_size: shared } = config;
  // not read in `granitemoe`
  const isShared = shared > 0 && config.model_type !== 'granitemoe';
  const mixerOf = (index: number) => {
    const own = mixer(index);
    return own === undefined ? {} : { mixer: own };
  };
  return decoderConfig(config, file, {
    modelType: config.model_type,
    normEpsilon: 1e-6,
    ropeTheta: 10_000,
    attention: {
      scale: config.attention_multiplier,
      bias: attentionBias(config),
      ...attention,
    },
    ...multipliers(config),
    layer: (index) => ({
      ...mixerOf(index),
      window: window(index),
      mlp: {
        kind: 'moe',
        route: {
          experts: config.num_local_experts,
          expertsPerToken: config.num_experts_per_tok,
          score: 'softmaxAfterTopK',
          normalizeTopK: false,
        },
        ...mlp,
        intermediateSize: config.intermediate_size,
        routerBias: false,
        correctionBias: false,
        shared: isShared ? { ...mlp, intermediateSize: shared, outputGate: false } : null,
      },
    }),
  });
}

export const graniteMoe = defineArchitecture({
  modelTypes: ['granitemoe', 'granitemoeshared'],
  names: graniteNames,
  fields: graniteFields,
  decoder: (config, file) => graniteDecoder(config, file),
});
