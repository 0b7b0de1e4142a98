// Step 3.5 and 3.7 (StepFun; transformers models/step3p7): windows with numbers of heads and a rotation of their own, a gate for
// each head, (1 + w) norms, limits behind the activation in some layers; experts of a layer are three tensors. Step 3.7 is a
// composite with a vision tower.
import { isObject } from '@moeq/tensors';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { commonFields, configError, count, factor, layerNumber, positive, width } from '../config/config.js';
import { slidingLayers, slidingTypes } from '../config/layer-types.js';
import { attentionVariants } from './attention-by-type.js';
import { decoderConfig, denseNames, llamaNames, queryKeyNormNames } from './llama.js';
import { mlpTypes, sigmoidMoe } from './sigmoid-moe.js';

const layer = 'model.layers.{layer}';
const limits = v.nullish(v.array(v.nullable(v.union([v.literal(0), positive], 'a number from 0'))));

const fields = {
  ...commonFields,
  sliding_window: v.nullish(count(1 << 30)),
  intermediate_size: width,
  moe_intermediate_size: width,
  share_expert_dim: width,
  moe_router_scaling_factor: factor,
  num_sliding_attention_heads: v.nullish(count(4096)),
  attention_other_setting: v.nullish(v.object({ num_attention_heads: v.nullish(count(4096)) })),
  query_pre_attn_scalar: v.nullish(positive),
  attention_bias: v.nullish(v.literal(false, 'false')),
  mlp_bias: v.nullish(v.literal(false, 'false')),
  layer_types: slidingTypes,
  mlp_layer_types: mlpTypes,
  moe_layers_enum: v.nullish(v.union([v.string(), v.array(layerNumber)], 'a list of layers')),
  swiglu_limits: limits,
  swiglu_limits_shared: limits,
};

type StepConfig = v.InferOutput<v.ObjectSchema<typeof fields, undefined>>;

/** Lists go on behind the last layer, for layers that predict. */
function listOf<Item>(
  list: readonly Item[] | null | undefined,
  field: string,
  layers: number,
  file: string,
): readonly Item[] | null {
  if (list == null) return null;
  if (list.length >= layers) return list.slice(0, layers);
  throw configError(file, `${field} of ${layers} layers`, String(list.length));
}

/** Layers with experts: by the types of MLPs, by their list, all but the first three. */
function sparseLayers(config: StepConfig, file: string): (index: number) => boolean {
  const types = listOf(config.mlp_layer_types, 'mlp_layer_types', config.num_hidden_layers, file);
  if (types !== null) return (index) => types[index] === 'sparse';
  const { moe_layers_enum: given } = config;
  if (given == null) return (index) => index >= 3;
  const listed = (typeof given === 'string' ? given.split(',') : given).map(Number);
  return (index) => listed.includes(index);
}

/** The rotation of each type of layer: as transformers writes it, or lists with a number for each layer, as the hub has it. */
function rotationsOf(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { rope_parameters: typed, rope_theta: thetas = 10_000, partial_rotary_factors: shares } = config;
  if (isObject(typed) && ('full_attention' in typed || 'sliding_attention' in typed)) return config;
  const types: unknown = config['layer_types'];
  const ofType = (type: string) => {
    const index = Array.isArray(types) ? types.indexOf(type) : type === 'full_attention' ? 0 : -1;
    const theta = Array.isArray(thetas) ? thetas[Math.max(index, 0)] : thetas;
    const share = Array.isArray(shares) ? shares[Math.max(index, 0)] : undefined;
    const scaling = type === 'full_attention' ? config['rope_scaling'] : undefined;
    return {
      rope_type: 'default',
      rope_theta: theta,
      ...(share !== undefined && { partial_rotary_factor: share }),
      ...(isObject(scaling) && scaling),
    };
  };
  const rope_parameters = {
    full_attention: ofType('full_attention'),
    sliding_attention: ofType('sliding_attention'),
  };
  return { ...config, rope_parameters };
}

/** The language model by itself. */
export const step3p5 = defineArchitecture({
  modelTypes: ['step3p5'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    ...denseNames,
    attentionGate: [`${layer}.self_attn.g_proj.weight`],
    router: [`${layer}.moe.gate.weight`],
    correctionBias: [`${layer}.moe.router_bias`],
    expertGate: [`${layer}.moe.gate_proj.weight`],
    expertUp: [`${layer}.moe.up_proj.weight`],
    expertDown: [`${layer}.moe.down_proj.weight`],
    sharedGate: [`${layer}.share_expert.gate_proj.weight`],
    sharedUp: [`${layer}.share_expert.up_proj.weight`],
    sharedDown: [`${layer}.share_expert.down_proj.weight`],
  },
  fields,
  aliases: [
    ['num_attention_groups', 'num_key_value_heads'],
    ['moe_top_k', 'num_experts_per_tok'],
    ['share_expert_dims', 'share_expert_dim'],
  ],
  typedRotations: {
    full_attention: { rope_theta: 10_000 },
    sliding_attention: { rope_theta: 10_000 },
    of: rotationsOf,
  },
  decoder: (config, file) => {
    const { num_hidden_layers: layers, swiglu_limits: routed, swiglu_limits_shared: always } = config;
    const slides = slidingLayers(
      listOf(config.layer_types, 'layer_types', layers, file),
      layers,
      file,
      () => false,
    );
    const isSparse = sparseLayers(config, file);
    const ofRouted = listOf(routed, 'swiglu_limits', layers, file);
    const ofShared = listOf(always, 'swiglu_limits_shared', layers, file);
    const limited = (list: readonly (number | null)[] | null, index: number) => {
      const limit = list?.[index] || null;
      return { ...config.hidden_act, ...(limit !== null && { limit, limitOf: 'output' as const }) };
    };
    const routing = {
      n_group: 1,
      topk_group: 1,
      norm_topk_prob: true,
      routed_scaling_factor: config.moe_router_scaling_factor,
    };
    const moe = sigmoidMoe({ ...config, ...routing }, file, 1);
    const variant = attentionVariants(file);
    const others = config.attention_other_setting?.num_attention_heads;
    const slidingHeads = config.num_sliding_attention_heads ?? others ?? config.num_attention_heads;
    const { query_pre_attn_scalar: scalar } = config;
    return decoderConfig(config, file, {
      modelType: 'step3p5',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      norm: { weight: 'lessOne' },
      attention: {
        queryKeyNorm: 'head',
        gate: { kind: 'sigmoid', per: 'head', placed: 'last' },
        ...(scalar != null && { scale: scalar ** -0.5 }),
      },
      layer(index, attention) {
        const shared = {
          intermediateSize: config.share_expert_dim,
          activation: limited(ofShared, index),
          bias: false,
        };
        return {
          mixer: slides(index)
            ? variant(attention, { heads: slidingHeads, window: config.sliding_window ?? null })
            : attention,
          mlp: isSparse(index)
            ? { ...moe, activation: limited(ofRouted, index), shared: { ...shared, outputGate: false } }
            : { ...shared, kind: 'dense', intermediateSize: config.intermediate_size },
        };
      },
    });
  },
});

export const step3p7 = composite(step3p5, {
  modelTypes: ['step3p7'],
  path: ['text_config'],
  prefix: 'model.',
});
