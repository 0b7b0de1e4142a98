// Laguna (Poolside; transformers models/laguna): windows and layers over all tokens with rotations and numbers of heads of their
// own; gates by softplus on what heads give; experts as DeepSeek-V3 without groups.
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, factor, width } from '../config/config.js';
import { slidingLayers, slidingTypes, windowsOf } from '../config/layer-types.js';
import { attentionVariants } from './attention-by-type.js';
import { decoderConfig, llamaNames, queryKeyNormNames } from './llama.js';
import { denseByTypes, denseOr, mlpTypes, sigmoidMoe, sigmoidMoeNames } from './sigmoid-moe.js';

const mlp = 'model.layers.{layer}.mlp';
const sharedNames = (projection: string) => [
  `${mlp}.shared_expert.${projection}.weight`,
  `${mlp}.shared_experts.${projection}.weight`,
];

export const laguna = defineArchitecture({
  modelTypes: ['laguna'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    attentionGate: ['model.layers.{layer}.self_attn.g_proj.weight'],
    ...sigmoidMoeNames,
    correctionBias: [`${mlp}.experts.e_score_correction_bias`, `${mlp}.gate.e_score_correction_bias`],
    sharedGate: sharedNames('gate_proj'),
    sharedUp: sharedNames('up_proj'),
    sharedDown: sharedNames('down_proj'),
  },
  fields: {
    ...commonFields,
    head_dim: v.nullish(width, 128),
    sliding_window: v.optional(commonFields.sliding_window, 512),
    intermediate_size: width,
    moe_intermediate_size: width,
    shared_expert_intermediate_size: v.nullish(width, 512),
    moe_routed_scaling_factor: factor,
    moe_router_logit_softcapping: v.nullish(
      v.literal(0, '0, as moeq does not run logits of routers that are capped'),
    ),
    moe_apply_router_weight_on_input: v.nullish(v.literal(false, 'false')),
    attention_bias: v.nullish(v.literal(false, 'false')),
    gating: v.nullish(
      v.union([v.boolean(), v.picklist(['per-head', 'per-element'])], 'true, false, per-head or per-element'),
      true,
    ),
    layer_types: slidingTypes,
    mlp_layer_types: mlpTypes,
    num_attention_heads_per_layer: v.nullish(v.array(count(4096))),
  },
  typedRotations: {
    full_attention: { rope_theta: 500_000, partial_rotary_factor: 0.5 },
    sliding_attention: { rope_theta: 10_000 },
  },
  decoder: (config, file) => {
    const { num_hidden_layers: layers, num_attention_heads_per_layer: headsOf, gating } = config;
    if (headsOf != null && headsOf.length !== layers)
      throw configError(file, `num_attention_heads_per_layer of ${layers} layers`, String(headsOf.length));
    const slides = slidingLayers(config.layer_types, layers, file, () => false);
    const windowOf = windowsOf(slides, config.sliding_window, config.num_hidden_layers, file);
    const routing = {
      n_group: 1,
      topk_group: 1,
      norm_topk_prob: true,
      routed_scaling_factor: config.moe_routed_scaling_factor,
    };
    const { shared, ...experts } = sigmoidMoe({ ...config, ...routing }, file, 1);
    const width = config.shared_expert_intermediate_size;
    const moe = { ...experts, shared: shared && { ...shared, intermediateSize: width } };
    const mlpOf = denseOr(config, moe, denseByTypes(config.mlp_layer_types, config, file, 1));
    const variant = attentionVariants(file);
    const per = gating === true || gating === 'per-head' ? 'head' : 'number';
    return decoderConfig(config, file, {
      modelType: 'laguna',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { queryKeyNorm: 'head', gate: { kind: 'softplus', per, placed: 'last' } },
      layer: (index, attention) => ({
        mixer: variant(attention, {
          heads: headsOf?.[index] ?? attention.heads,
          window: windowOf(index),
        }),
        mlp: mlpOf(index),
      }),
    });
  },
});
