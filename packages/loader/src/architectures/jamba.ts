// Jamba (AI21; https://arxiv.org/abs/2403.19887, transformers models/jamba): Mamba with norms of time steps, B and C, attention
// without positions in some layers; experts in every other layer, whose weights are softmax over all, and dense MLPs.
import type { DenseConfig, MambaConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, flag, layerNumber, tapCount, width } from '../config/config.js';
import { decoderConfig, llamaNames } from './llama.js';
import { assertSilu, checkedMamba, mambaNames } from './mamba.js';

/** Times the hidden size, and layers of a period: far above any. */
const MOST_EXPANSION = 64;
const MOST_LAYERS = 1024;

const layer = 'model.layers.{layer}';
const module = `${layer}.mamba`;
const mlp = `${layer}.feed_forward`;

export const jamba = defineArchitecture({
  modelTypes: ['jamba'],
  names: {
    ...llamaNames,
    finalNorm: ['model.final_layernorm.weight'],
    mlpNorm: [`${layer}.pre_ff_layernorm.weight`],
    ...mambaNames(module),
    mambaSelection: [`${module}.x_proj.weight`],
    mambaTimeStep: [`${module}.dt_proj.weight`],
    mambaTimeStepBias: [`${module}.dt_proj.bias`],
    mambaTimeStepNorm: [`${module}.dt_layernorm.weight`],
    mambaBNorm: [`${module}.b_layernorm.weight`],
    mambaCNorm: [`${module}.c_layernorm.weight`],
    denseGate: [`${mlp}.gate_proj.weight`],
    denseUp: [`${mlp}.up_proj.weight`],
    denseDown: [`${mlp}.down_proj.weight`],
    router: [`${mlp}.router.weight`],
    expertGate: [`${mlp}.experts.{expert}.gate_proj.weight`],
    expertUp: [`${mlp}.experts.{expert}.up_proj.weight`],
    expertGateUp: [`${mlp}.experts.gate_up_proj`],
    expertDown: [`${mlp}.experts.{expert}.down_proj.weight`, `${mlp}.experts.down_proj`],
  },
  fields: {
    ...commonFields,
    num_key_value_heads: v.nullish(commonFields.num_attention_heads, 8),
    intermediate_size: width,
    attn_layer_period: v.nullish(count(MOST_LAYERS), 8),
    attn_layer_offset: v.nullish(layerNumber, 4),
    expert_layer_period: v.nullish(count(MOST_LAYERS), 2),
    expert_layer_offset: v.nullish(layerNumber, 1),
    mamba_d_state: v.nullish(width, 16),
    mamba_d_conv: v.nullish(tapCount, 4),
    mamba_expand: v.nullish(count(MOST_EXPANSION), 2),
    mamba_dt_rank: v.nullish(v.union([v.literal('auto'), width], "an integer, or 'auto'"), 'auto'),
    mamba_conv_bias: flag(true),
    mamba_proj_bias: flag(false),
  },
  decoder(config, file) {
    for (const kind of ['attn', 'expert'] as const) {
      const [period, offset] = [config[`${kind}_layer_period`], config[`${kind}_layer_offset`]];
      if (offset >= period)
        throw configError(file, `${kind}_layer_offset below ${kind}_layer_period, ${period}`, `${offset}`);
    }
    assertSilu(config.hidden_act, file);
    const mamba: MambaConfig = checkedMamba(
      {
        ...{ kind: 'mamba', version: 1, headDim: 1, groups: 1 },
        heads: config.mamba_expand * config.hidden_size,
        stateDim: config.mamba_d_state,
        timeStepRank:
          config.mamba_dt_rank === 'auto' ? Math.ceil(config.hidden_size / 16) : config.mamba_dt_rank,
        taps: config.mamba_d_conv,
        tapsBias: config.mamba_conv_bias,
        bias: config.mamba_proj_bias,
      },
      { taps: 'mamba_d_conv' },
      file,
    );
    const forward = {
      intermediateSize: config.intermediate_size,
      activation: config.hidden_act,
      bias: false,
    };
    const dense: DenseConfig = { kind: 'dense', ...forward };
    const moe: MoeConfig = {
      kind: 'moe',
      ...forward,
      route: {
        experts: config.num_local_experts,
        expertsPerToken: config.num_experts_per_tok,
        score: 'softmax',
        normalizeTopK: false,
      },
      routerBias: false,
      correctionBias: false,
      shared: null,
    };
    const isAttention = (index: number) => index % config.attn_layer_period === config.attn_layer_offset;
    const hasExperts = (index: number) =>
      config.num_local_experts > 1 && index % config.expert_layer_period === config.expert_layer_offset;
    return decoderConfig(config, file, {
      modelType: 'jamba',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { rope: null },
      layer: (index) => ({
        ...(!isAttention(index) && { mixer: mamba }),
        mlp: hasExperts(index) ? moe : dense,
      }),
    });
  },
});
