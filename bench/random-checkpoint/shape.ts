// The shape of a Mixtral-like decoder and the tensors that it is made of, named as on the hub.

export interface MoeShape {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly experts: number;
  readonly expertsPerToken: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** 644 million weights, of which a token reads 107 MB at 4.5 bits. */
export const smallMixtral: MoeShape = {
  hidden: 1024,
  intermediate: 2048,
  layers: 12,
  experts: 8,
  expertsPerToken: 2,
  heads: 16,
  keyValueHeads: 4,
  vocabulary: 4096,
  context: 4096,
};

export interface ShapedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Norm weights are near 1; all others have that deviation. */
  readonly kind: 'weight' | 'norm';
}

export function* tensorsOf(shape: MoeShape): Generator<ShapedTensor> {
  const { hidden, intermediate, heads, keyValueHeads, vocabulary } = shape;
  const keyValues = (hidden / heads) * keyValueHeads;
  const weight = (name: string, rows: number, columns: number): ShapedTensor => ({
    name: `${name}.weight`,
    shape: [rows, columns],
    kind: 'weight',
  });
  const norm = (name: string): ShapedTensor => ({ name: `${name}.weight`, shape: [hidden], kind: 'norm' });
  yield weight('model.embed_tokens', vocabulary, hidden);
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    yield norm(`${prefix}.input_layernorm`);
    yield weight(`${prefix}.self_attn.q_proj`, hidden, hidden);
    yield weight(`${prefix}.self_attn.k_proj`, keyValues, hidden);
    yield weight(`${prefix}.self_attn.v_proj`, keyValues, hidden);
    yield weight(`${prefix}.self_attn.o_proj`, hidden, hidden);
    yield norm(`${prefix}.post_attention_layernorm`);
    yield weight(`${prefix}.block_sparse_moe.gate`, shape.experts, hidden);
    for (let expert = 0; expert < shape.experts; expert++) {
      const own = `${prefix}.block_sparse_moe.experts.${expert}`;
      yield weight(`${own}.w1`, intermediate, hidden);
      yield weight(`${own}.w2`, hidden, intermediate);
      yield weight(`${own}.w3`, intermediate, hidden);
    }
  }
  yield norm('model.norm');
  yield weight('lm_head', vocabulary, hidden);
}

/** config.json, as transformers reads it. */
export function configOf(shape: MoeShape): string {
  const config = {
    architectures: ['MixtralForCausalLM'],
    model_type: 'mixtral',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    num_local_experts: shape.experts,
    num_experts_per_tok: shape.expertsPerToken,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    vocab_size: shape.vocabulary,
    max_position_embeddings: shape.context,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
    sliding_window: null,
    tie_word_embeddings: false,
    bos_token_id: 1,
    eos_token_id: 2,
    torch_dtype: 'bfloat16',
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
