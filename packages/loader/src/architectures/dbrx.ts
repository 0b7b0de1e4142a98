// DBRX (Databricks; transformers models/dbrx): layer norms without biases, queries, keys and values in one bounded projection, and
// the experts of a layer one below the other, the output side written for x W.
import { validateRouteSpec } from '@moeq/router';
import type { MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, positive, width } from '../config/config.js';
import { decoderConfig } from './llama.js';

const block = 'transformer.blocks.{layer}';
const { hidden_act: activation, num_local_experts: expertCount, ...common } = commonFields;

export const dbrx = defineArchitecture({
  modelTypes: ['dbrx'],
  prefix: 'transformer.',
  names: {
    embedding: ['transformer.wte.weight'],
    head: ['lm_head.weight'],
    finalNorm: ['transformer.norm_f.weight'],
    mixerNorm: [`${block}.norm_attn_norm.norm_1.weight`],
    mlpNorm: [`${block}.norm_attn_norm.norm_2.weight`],
    queryKeyValue: [`${block}.norm_attn_norm.attn.Wqkv.weight`],
    output: [`${block}.norm_attn_norm.attn.out_proj.weight`],
    router: [`${block}.ffn.router.layer.weight`],
    expertGate: [`${block}.ffn.experts.mlp.w1`],
    expertUp: [`${block}.ffn.experts.mlp.v1`],
    expertDown: [`${block}.ffn.experts.mlp.w2`],
  },
  fused: {
    expertGate: { flat: true },
    expertUp: { flat: true },
    expertDown: { flat: true, transposed: true },
  },
  fields: {
    vocab_size: common.vocab_size,
    d_model: width,
    n_heads: common.num_attention_heads,
    n_layers: common.num_hidden_layers,
    max_seq_len: common.max_position_embeddings,
    tie_word_embeddings: common.tie_word_embeddings,
    attn_config: v.object({
      kv_n_heads: v.nullish(common.num_attention_heads, 1),
      clip_qkv: v.nullish(positive),
      rope_theta: v.nullish(positive, 10_000),
    }),
    ffn_config: v.object({
      ffn_hidden_size: width,
      moe_num_experts: expertCount,
      moe_top_k: common.num_experts_per_tok,
      // of other norms than the sum there are no models
      moe_normalize_expert_weights: v.optional(v.nullable(v.literal(1, '1 or null')), 1),
      ffn_act_fn: v.nullish(v.object({ name: activation })),
    }),
  },
  decoder: (config, file) => {
    const { attn_config: attention, ffn_config: experts } = config;
    const route: MoeConfig['route'] = {
      experts: experts.moe_num_experts,
      expertsPerToken: experts.moe_top_k,
      score: 'softmax',
      normalizeTopK: experts.moe_normalize_expert_weights === 1,
    };
    validateRouteSpec(route, file);
    const moe: MoeConfig = {
      kind: 'moe',
      route,
      intermediateSize: experts.ffn_hidden_size,
      activation: experts.ffn_act_fn?.name ?? { kind: 'silu', gated: true },
      bias: false,
      routerBias: false,
      correctionBias: false,
      shared: null,
    };
    const sizes = {
      vocab_size: config.vocab_size,
      hidden_size: config.d_model,
      num_hidden_layers: config.n_layers,
      num_attention_heads: config.n_heads,
      num_key_value_heads: attention.kv_n_heads,
      head_dim: null,
      max_position_embeddings: config.max_seq_len,
      rms_norm_eps: null,
      hidden_act: moe.activation,
      tie_word_embeddings: config.tie_word_embeddings,
      sliding_window: null,
      num_local_experts: route.experts,
      num_experts_per_tok: route.expertsPerToken,
    };
    return decoderConfig(sizes, file, {
      modelType: 'dbrx',
      normEpsilon: 1e-5,
      ropeTheta: attention.rope_theta,
      norm: { kind: 'layer' },
      attention: { joined: true, clip: attention.clip_qkv ?? null },
      layer: () => ({ mlp: moe }),
    });
  },
});
