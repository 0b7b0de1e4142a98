// Qwen3-Next and Qwen3.5-MoE: gated delta nets in all layers but every so many. Norms lie with their one, decays as rates.
// Newer files of Qwen3-Next have queries, keys and values apart from gates, as Qwen3.5 has them in checkpoints, and are read as
// such a model, which computes the same; older ones, which llama.cpp still reads, are written.
import { type DecoderConfig, type DeltaNetConfig, layerMixer } from '@moeq/runtime';
import { attentionOf } from '../../config/attention-of.js';
import type { GgufArchitecture, GgufReader, ValueForm } from '../architecture.js';
import {
  attention,
  base,
  count,
  denseWidth,
  expertCount,
  expertWidth,
  ofAttention,
  ofMoe,
} from './fields.js';

const ofDelta =
  (get: (delta: DeltaNetConfig) => number) =>
  ({ layers }: DecoderConfig) => {
    const delta = layers.map(layerMixer).find((mixer) => mixer?.kind === 'deltaNet');
    return delta?.kind === 'deltaNet' ? get(delta) : null;
  };

const fields = [
  ...base,
  ...attention,
  expertCount('num_experts'),
  count('feed_forward_length', null, denseWidth),
  count('expert_feed_forward_length', 'moe_intermediate_size', expertWidth),
  count(
    'expert_shared_feed_forward_length',
    'shared_expert_intermediate_size',
    ofMoe(({ shared }) => shared?.intermediateSize ?? null),
  ),
  count(
    'ssm.conv_kernel',
    'linear_conv_kernel_dim',
    ofDelta(({ taps }) => taps),
  ),
  count(
    'ssm.state_size',
    'linear_key_head_dim',
    ofDelta(({ keyDim }) => keyDim),
  ),
  count(
    'ssm.group_count',
    'linear_num_key_heads',
    ofDelta((delta) => delta.keyHeads),
  ),
  count(
    'ssm.time_step_rank',
    'linear_num_value_heads',
    ofDelta(({ heads }) => heads),
  ),
  count(
    'ssm.inner_size',
    null,
    ofDelta(({ heads, valueDim }) => heads * valueDim),
  ),
  // the first layer with attention ends the first interval
  count(
    'full_attention_interval',
    'full_attention_interval',
    ({ layers }) => 1 + layers.findIndex((layer) => attentionOf(layer) !== undefined),
  ),
];

function config(read: GgufReader): Record<string, unknown> {
  const headDim = read.number('attention.key_length') ?? 0;
  const recurrent = read.perLayer('attention.recurrent_layers');
  const predicting = read.number('nextn_predict_layers') ?? 0;
  const layers = (read.number('block_count') ?? 0) - predicting;
  return {
    num_hidden_layers: layers,
    linear_value_head_dim: (read.number('ssm.inner_size') ?? 0) / (read.number('ssm.time_step_rank') ?? 1),
    partial_rotary_factor: (read.number('rope.dimension_count') ?? headDim) / headDim,
    ...(recurrent !== null && {
      layer_types: recurrent.slice(0, layers).map((is) => (is ? 'linear_attention' : 'full_attention')),
    }),
  };
}

const withOne: ValueForm = { toFile: (value) => value + 1, fromFile: (value) => value - 1 };

const common = {
  fields,
  permuted: false,
  names: { mlpNorm: 'blk.{layer}.post_attention_norm.weight' },
  config,
  values: {
    mixerNorm: withOne,
    mlpNorm: withOne,
    queryNorm: withOne,
    keyNorm: withOne,
    finalNorm: withOne,
    deltaDecayLog: { toFile: (value) => -Math.exp(value), fromFile: (value) => Math.log(-value) },
  },
} satisfies Partial<GgufArchitecture>;

/** Pairs of the rotation that turn by time, height and width, in turns; text has one position for all three. */
const rotatedParts = ofAttention(({ rope }) => (rope === null ? null : rope.rotatedDim / 2));

export const qwen35Moe: GgufArchitecture = {
  ...common,
  name: 'qwen35moe',
  modelType: 'qwen3_5_moe_text',
  alsoWritten: ['qwen3_5_moe'],
  className: 'Qwen3_5MoeForCausalLM',
  constants: { attention_bias: false },
  tiledValueHeads: true,
  metadata(decoder) {
    const all = rotatedParts(decoder) ?? 0;
    const parts = [Math.ceil(all / 3), Math.floor((all + 1) / 3), Math.floor(all / 3), 0];
    return {
      'rope.dimension_sections': { type: 'array', of: 'i32', value: Int32Array.from(parts) },
    };
  },
};

export const qwen3Next: GgufArchitecture = {
  ...common,
  name: 'qwen3next',
  modelType: 'qwen3_next',
  className: 'Qwen3NextForCausalLM',
  constants: { norm_topk_prob: true, attention_bias: false },
  matches: (read) => read.has('deltaQkvz'),
};

export const qwen3NextApart: GgufArchitecture = {
  ...common,
  name: 'qwen3next',
  modelType: 'qwen3_5_moe_text',
  className: 'Qwen3_5MoeForCausalLM',
  constants: { attention_bias: false },
};
