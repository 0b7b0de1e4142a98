// The shape of a DeepSeek-V3-like decoder and the tensors that it is made of, named as on the hub.
import type { ShapedTensor } from './shape.ts';

export interface LatentShape {
  readonly hidden: number;
  readonly layers: number;
  readonly denseLayers: number;
  readonly denseIntermediate: number;
  readonly intermediate: number;
  readonly experts: number;
  readonly expertsPerToken: number;
  readonly sharedExperts: number;
  readonly heads: number;
  readonly queryRank: number;
  readonly rank: number;
  readonly nopeDim: number;
  readonly ropeDim: number;
  readonly valueDim: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** As many weights a token as `smallMixtral` within 2 %: 7 of 32 experts and a shared one, each a quarter as wide. */
export const smallDeepseek: LatentShape = {
  hidden: 1024,
  layers: 12,
  denseLayers: 1,
  denseIntermediate: 4096,
  intermediate: 512,
  experts: 32,
  expertsPerToken: 7,
  sharedExperts: 1,
  heads: 16,
  queryRank: 384,
  rank: 256,
  nopeDim: 64,
  ropeDim: 32,
  valueDim: 64,
  vocabulary: 4096,
  context: 4096,
};

export function* deepseekTensors(shape: LatentShape): Generator<ShapedTensor> {
  const { hidden, heads, queryRank, rank, nopeDim, ropeDim, valueDim, vocabulary } = shape;
  const weight = (name: string, rows: number, columns: number): ShapedTensor => ({
    name: `${name}.weight`,
    shape: [rows, columns],
    kind: 'weight',
  });
  const norm = (name: string, length = hidden): ShapedTensor => ({
    name: `${name}.weight`,
    shape: [length],
    kind: 'norm',
  });
  function* mlp(name: string, width: number): Generator<ShapedTensor> {
    yield weight(`${name}.gate_proj`, width, hidden);
    yield weight(`${name}.up_proj`, width, hidden);
    yield weight(`${name}.down_proj`, hidden, width);
  }
  yield weight('model.embed_tokens', vocabulary, hidden);
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const attention = `${prefix}.self_attn`;
    yield norm(`${prefix}.input_layernorm`);
    yield weight(`${attention}.q_a_proj`, queryRank, hidden);
    yield norm(`${attention}.q_a_layernorm`, queryRank);
    yield weight(`${attention}.q_b_proj`, heads * (nopeDim + ropeDim), queryRank);
    yield weight(`${attention}.kv_a_proj_with_mqa`, rank + ropeDim, hidden);
    yield norm(`${attention}.kv_a_layernorm`, rank);
    yield weight(`${attention}.kv_b_proj`, heads * (nopeDim + valueDim), rank);
    yield weight(`${attention}.o_proj`, hidden, heads * valueDim);
    yield norm(`${prefix}.post_attention_layernorm`);
    if (layer < shape.denseLayers) {
      yield* mlp(`${prefix}.mlp`, shape.denseIntermediate);
      continue;
    }
    yield weight(`${prefix}.mlp.gate`, shape.experts, hidden);
    yield { name: `${prefix}.mlp.gate.e_score_correction_bias`, shape: [shape.experts], kind: 'weight' };
    yield* mlp(`${prefix}.mlp.shared_experts`, shape.sharedExperts * shape.intermediate);
    for (let expert = 0; expert < shape.experts; expert++)
      yield* mlp(`${prefix}.mlp.experts.${expert}`, shape.intermediate);
  }
  yield norm('model.norm');
  yield weight('lm_head', vocabulary, hidden);
}

/** config.json, as transformers reads it. */
export function deepseekConfig(shape: LatentShape): string {
  const config = {
    architectures: ['DeepseekV3ForCausalLM'],
    model_type: 'deepseek_v3',
    hidden_size: shape.hidden,
    intermediate_size: shape.denseIntermediate,
    moe_intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    first_k_dense_replace: shape.denseLayers,
    n_routed_experts: shape.experts,
    n_shared_experts: shape.sharedExperts,
    num_experts_per_tok: shape.expertsPerToken,
    n_group: 1,
    topk_group: 1,
    norm_topk_prob: true,
    routed_scaling_factor: 2.5,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.heads,
    q_lora_rank: shape.queryRank,
    kv_lora_rank: shape.rank,
    qk_nope_head_dim: shape.nopeDim,
    qk_rope_head_dim: shape.ropeDim,
    v_head_dim: shape.valueDim,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.context,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: 'bfloat16',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
