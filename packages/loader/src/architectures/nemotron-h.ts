// Nemotron-H (NVIDIA; https://arxiv.org/abs/2504.03624, transformers models/nemotron_h): a layer is one thing, Mamba 2, attention
// without positions, experts or a dense MLP. Experts have no gate, and may work on latents that all of them share.
import type { BlockConfig, DenseConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, flag, positive, tapCount, width } from '../config/config.js';
import { attentionBias, decoderConfig, llamaNames } from './llama.js';
import { checkedMamba, groupCount, mamba2Names } from './mamba.js';
import { sigmoidMoe, sigmoidMoeFields } from './sigmoid-moe.js';

const layer = 'backbone.layers.{layer}';
const mixer = `${layer}.mixer`;

/** By the letters of `hybrid_override_pattern`, and the names of `layers_block_type`, older ones too. */
const letters = { M: 'mamba', E: 'moe', '*': 'attention', '-': 'mlp' } as const;
const words = {
  mamba: 'mamba',
  linear_attention: 'mamba',
  moe: 'moe',
  attention: 'attention',
  full_attention: 'attention',
  mlp: 'mlp',
} as const;

/** Layers by their letters; far above any model. */
const MOST_LAYERS = 1024;
const pattern = v.pipe(
  v.string('a string of the letters M, E, * and -'),
  v.regex(/^[ME*-]+$/, 'a string of the letters M, E, * and -'),
  v.maxLength(MOST_LAYERS, `at most ${MOST_LAYERS} letters`),
  v.transform((text) => [...text].map((letter) => letters[letter as keyof typeof letters])),
);
const types = v.pipe(
  v.array(v.picklist(Object.keys(words) as (keyof typeof words)[])),
  v.minLength(1, 'at least one layer'),
  v.maxLength(MOST_LAYERS, `at most ${MOST_LAYERS} layers`),
  v.transform((names) => names.map((name) => words[name])),
);

const fromZero = v.pipe(
  v.number('a number from 0'),
  v.finite('a number from 0'),
  v.minValue(0, 'a number from 0'),
);
const squared = v.nullish(v.literal('relu2', 'relu2'), 'relu2');

export const nemotronH = defineArchitecture({
  modelTypes: ['nemotron_h'],
  prefix: 'backbone.',
  names: {
    embedding: ['backbone.embeddings.weight'],
    head: llamaNames.head,
    finalNorm: ['backbone.norm_f.weight'],
    mixerNorm: [`${layer}.norm.weight`],
    query: [`${mixer}.q_proj.weight`],
    key: [`${mixer}.k_proj.weight`],
    value: [`${mixer}.v_proj.weight`],
    output: [`${mixer}.o_proj.weight`],
    queryBias: [`${mixer}.q_proj.bias`],
    keyBias: [`${mixer}.k_proj.bias`],
    valueBias: [`${mixer}.v_proj.bias`],
    outputBias: [`${mixer}.o_proj.bias`],
    ...mamba2Names(mixer),
    router: [`${mixer}.gate.weight`],
    correctionBias: [`${mixer}.gate.e_score_correction_bias`],
    expertLatentDown: [`${mixer}.fc1_latent_proj.weight`],
    expertLatentUp: [`${mixer}.fc2_latent_proj.weight`],
    expertUp: [`${mixer}.experts.{expert}.up_proj.weight`, `${mixer}.experts.up_proj`],
    expertDown: [`${mixer}.experts.{expert}.down_proj.weight`, `${mixer}.experts.down_proj`],
    sharedUp: [`${mixer}.shared_experts.up_proj.weight`],
    sharedDown: [`${mixer}.shared_experts.down_proj.weight`],
    denseUp: [`${mixer}.up_proj.weight`],
    denseDown: [`${mixer}.down_proj.weight`],
  },
  /** Of the first files. */
  aliases: [
    ['mamba_n_groups', 'n_groups'],
    ['mamba_d_conv', 'conv_kernel'],
    ['mamba_dt_min', 'time_step_min'],
    ['mamba_conv_bias', 'use_conv_bias'],
  ],
  fields: {
    ...commonFields,
    ...sigmoidMoeFields,
    /** Of the list of layers where there is one; only old files have it. */
    num_hidden_layers: v.nullish(count(MOST_LAYERS)),
    num_key_value_heads: v.nullish(commonFields.num_attention_heads, 8),
    head_dim: v.nullish(width, 128),
    layers_block_type: v.nullish(types),
    hybrid_override_pattern: v.nullish(pattern),
    layer_norm_epsilon: v.nullish(positive, 1e-5),
    intermediate_size: width,
    moe_shared_expert_intermediate_size: width,
    moe_latent_size: v.nullish(width),
    attention_bias: flag(false),
    mlp_bias: v.nullish(v.literal(false, 'false')),
    mlp_hidden_act: squared,
    mamba_hidden_act: v.nullish(v.literal('silu', 'silu')),
    mamba_num_heads: v.nullish(commonFields.num_attention_heads, 128),
    mamba_head_dim: v.nullish(width, 64),
    ssm_state_size: v.nullish(width, 128),
    n_groups: v.nullish(groupCount, 8),
    conv_kernel: v.nullish(tapCount, 4),
    use_conv_bias: flag(true),
    use_bias: flag(false),
    /**
     * The least time step of every token. transformers 5.18 has it where a step holds several tokens and not where it holds one,
     * so that its logits depend on how a text is cut; here they do not.
     */
    time_step_min: v.nullish(fromZero, 0.001),
  },
  decoder(config, file) {
    const kinds = config.layers_block_type ?? config.hybrid_override_pattern;
    if (kinds == null) throw configError(file, 'layers_block_type or hybrid_override_pattern', 'neither');
    const activation = { kind: 'relu2', gated: false } as const;
    const common = {
      ...config,
      hidden_act: activation,
      rms_norm_eps: config.layer_norm_epsilon,
      num_hidden_layers: kinds.length,
    };
    const dense: DenseConfig = {
      kind: 'dense',
      intermediateSize: config.intermediate_size,
      activation,
      bias: false,
    };
    const moe: MoeConfig = {
      ...sigmoidMoe(common, file, 0),
      ...(config.moe_latent_size != null && { latentDim: config.moe_latent_size }),
      shared: {
        intermediateSize: config.moe_shared_expert_intermediate_size,
        activation,
        bias: false,
        outputGate: false,
      },
    };
    const scan = {
      kind: 'mamba',
      version: 2,
      heads: config.mamba_num_heads,
      headDim: config.mamba_head_dim,
      stateDim: config.ssm_state_size,
      groups: config.n_groups,
      normGroups: config.n_groups,
      taps: config.conv_kernel,
      tapsBias: config.use_conv_bias,
      bias: config.use_bias,
      leastTimeStep: config.time_step_min,
      largestTimeStep: Number.POSITIVE_INFINITY,
    } as const;
    const fields = { heads: 'mamba_num_heads', groups: 'n_groups', taps: 'conv_kernel' };
    const mamba = kinds.includes('mamba') ? checkedMamba(scan, fields, file) : scan;
    return decoderConfig(common, file, {
      modelType: 'nemotron_h',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      attention: { rope: null, bias: attentionBias(config) },
      layer(index, attention, norm) {
        const bodies = {
          mamba: { mixer: mamba },
          attention: { mixer: attention },
          moe: { mlp: moe },
          mlp: { mlp: dense },
        } as const;
        const body = bodies[kinds[index] ?? 'mlp'];
        const block: BlockConfig = {
          ...body,
          norm: { slot: 'mixerNorm', ...norm },
          postNorm: null,
          residualScale: 1,
        };
        return { blocks: [block] };
      },
    });
  },
});
