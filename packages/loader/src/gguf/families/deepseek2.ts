// DeepSeek-V2, V3 and what has their layers: Kimi-K2, GLM-4.7-Flash. Latent attention counts as attention of one key head
// of the latent and the rotated key; the sizes of heads have keys of their own, which files from before 2025 do not have.
// llama.cpp chooses groups of experts by their two best everywhere, and applies the epsilon of the layers to the norms of the
// latents: here the models count.
import { type DecoderConfig, type LatentConfig, layerMixer } from '@moeq/runtime';
import type { GgufArchitecture, GgufReader } from '../architecture.js';
import { base, count, expertsBehindDense, f32, gating, real, routeConfig, routeMetadata } from './fields.js';

function latentOf({ layers: [first] }: DecoderConfig): LatentConfig | null {
  const mixer = first === undefined ? null : layerMixer(first);
  return mixer?.kind === 'latent' ? mixer : null;
}

const ofLatent = (get: (latent: LatentConfig) => number | null) => (decoder: DecoderConfig) => {
  const latent = latentOf(decoder);
  return latent === null ? null : get(latent);
};

const fields = [
  ...base,
  count(
    'attention.head_count',
    'num_attention_heads',
    ofLatent(({ heads }) => heads),
  ),
  count(
    'attention.head_count_kv',
    null,
    ofLatent(() => 1),
  ),
  count(
    'attention.key_length',
    null,
    ofLatent(({ latentDim, ropeDim }) => latentDim + ropeDim),
  ),
  count(
    'attention.value_length',
    null,
    ofLatent(({ latentDim }) => latentDim),
  ),
  count(
    'attention.key_length_mla',
    null,
    ofLatent(({ nopeDim, ropeDim }) => nopeDim + ropeDim),
  ),
  count(
    'attention.value_length_mla',
    'v_head_dim',
    ofLatent(({ valueDim }) => valueDim),
  ),
  count(
    'attention.kv_lora_rank',
    'kv_lora_rank',
    ofLatent(({ latentDim }) => latentDim),
  ),
  count(
    'attention.q_lora_rank',
    'q_lora_rank',
    ofLatent(({ queryLatentDim }) => queryLatentDim),
  ),
  count(
    'rope.dimension_count',
    'qk_rope_head_dim',
    ofLatent(({ ropeDim }) => ropeDim),
  ),
  real(
    'rope.freq_base',
    'rope_theta',
    ofLatent(({ rope }) => rope?.theta ?? null),
  ),
  ...expertsBehindDense,
];

/** Sizes of heads, and how experts are weighted. */
function config(read: GgufReader): Record<string, unknown> {
  const keys = read.number('attention.key_length_mla') ?? read.number('attention.key_length') ?? 0;
  const values = read.number('attention.value_length_mla') ?? read.number('attention.value_length');
  return {
    qk_nope_head_dim: keys - (read.number('rope.dimension_count') ?? 0),
    v_head_dim: values,
    q_lora_rank: read.number('attention.q_lora_rank'),
    ...routeConfig(read),
  };
}

function metadata(decoder: DecoderConfig): ReturnType<NonNullable<GgufArchitecture['metadata']>> {
  return { ...routeMetadata(decoder), 'rope.scaling.yarn_log_multiplier': yarnLogMultiplier(decoder) };
}

/** A tenth of `mscale_all_dim`, by which YaRN's scale of the scores grows. */
function yarnLogMultiplier(decoder: DecoderConfig) {
  const latent = latentOf(decoder);
  if (latent?.rope?.scaling?.kind !== 'yarn') return null;
  const grown = latent.scale * Math.sqrt(latent.nopeDim + latent.ropeDim);
  return f32((Math.sqrt(grown) - 1) / Math.log(latent.rope.scaling.factor));
}

/** The factors of cosines and sines cancel one another. */
function ropeScaling(read: GgufReader): Record<string, unknown> {
  const all = 10 * (read.number('rope.scaling.yarn_log_multiplier') ?? 0);
  return all === 0 ? {} : { mscale: all, mscale_all_dim: all };
}

const common = { name: 'deepseek2', fields, permuted: false, metadata, ropeScaling };

export const deepseekV3: GgufArchitecture = {
  ...common,
  modelType: 'deepseek_v3',
  alsoWritten: ['glm4_moe_lite', 'kimi_k25'],
  className: 'DeepseekV3ForCausalLM',
  constants: {},
  matches: (read) => read.number('expert_gating_func') === gating.sigmoid,
  config: (read) => ({ ...config(read), norm_topk_prob: read.flag('expert_weights_norm') ?? false }),
};

export const deepseekV2: GgufArchitecture = {
  ...common,
  modelType: 'deepseek_v2',
  className: 'DeepseekV2ForCausalLM',
  constants: {},
  config(read) {
    const own = config(read);
    return { ...own, topk_method: own['n_group'] === 1 ? 'greedy' : 'group_limited_greedy' };
  },
};
