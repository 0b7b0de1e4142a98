// The shape of a Qwen3.5-like decoder, gated delta nets with attention in every fourth layer, and the tensors that it is made
// of, named as on the hub.
import type { ShapedTensor } from './shape.ts';

export interface DeltaShape {
  readonly hidden: number;
  readonly layers: number;
  readonly intermediate: number;
  readonly experts: number;
  readonly expertsPerToken: number;
  readonly sharedIntermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly deltaHeads: number;
  readonly deltaKeyHeads: number;
  readonly deltaDim: number;
  readonly taps: number;
  readonly vocabulary: number;
  readonly context: number;
}

/** About as many weights a token as `smallMixtral`, heads of the delta nets as large as those of Qwen3.5. */
export const smallQwenDelta: DeltaShape = {
  hidden: 1024,
  layers: 12,
  intermediate: 512,
  experts: 32,
  expertsPerToken: 6,
  sharedIntermediate: 512,
  heads: 8,
  kvHeads: 2,
  headDim: 128,
  deltaHeads: 8,
  deltaKeyHeads: 4,
  deltaDim: 128,
  taps: 4,
  vocabulary: 4096,
  context: 4096,
};

export function* qwenDeltaTensors(shape: DeltaShape): Generator<ShapedTensor> {
  const { hidden, heads, kvHeads, headDim, deltaHeads, deltaKeyHeads, deltaDim, vocabulary } = shape;
  const weight = (name: string, ...sizes: number[]): ShapedTensor => ({
    name: `${name}.weight`,
    shape: sizes,
    kind: 'weight',
  });
  const norm = (name: string, length = hidden): ShapedTensor => ({ name, shape: [length], kind: 'norm' });
  function* mlp(name: string, width: number): Generator<ShapedTensor> {
    yield weight(`${name}.gate_proj`, width, hidden);
    yield weight(`${name}.up_proj`, width, hidden);
    yield weight(`${name}.down_proj`, hidden, width);
  }
  const values = deltaHeads * deltaDim;
  const channels = 2 * deltaKeyHeads * deltaDim + values;
  yield weight('model.embed_tokens', vocabulary, hidden);
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    yield norm(`${prefix}.input_layernorm.weight`);
    if (layer % 4 === 3) {
      const attention = `${prefix}.self_attn`;
      yield weight(`${attention}.q_proj`, 2 * heads * headDim, hidden);
      yield weight(`${attention}.k_proj`, kvHeads * headDim, hidden);
      yield weight(`${attention}.v_proj`, kvHeads * headDim, hidden);
      yield weight(`${attention}.o_proj`, hidden, heads * headDim);
      yield norm(`${attention}.q_norm.weight`, headDim);
      yield norm(`${attention}.k_norm.weight`, headDim);
    } else {
      const net = `${prefix}.linear_attn`;
      yield weight(`${net}.in_proj_qkv`, channels, hidden);
      yield weight(`${net}.in_proj_z`, values, hidden);
      yield weight(`${net}.in_proj_b`, deltaHeads, hidden);
      yield weight(`${net}.in_proj_a`, deltaHeads, hidden);
      yield weight(`${net}.conv1d`, channels, 1, shape.taps);
      yield norm(`${net}.A_log`, deltaHeads);
      yield norm(`${net}.dt_bias`, deltaHeads);
      yield norm(`${net}.norm.weight`, deltaDim);
      yield weight(`${net}.out_proj`, hidden, values);
    }
    yield norm(`${prefix}.post_attention_layernorm.weight`);
    yield weight(`${prefix}.mlp.gate`, shape.experts, hidden);
    yield* mlp(`${prefix}.mlp.shared_expert`, shape.sharedIntermediate);
    yield weight(`${prefix}.mlp.shared_expert_gate`, 1, hidden);
    for (let expert = 0; expert < shape.experts; expert++)
      yield* mlp(`${prefix}.mlp.experts.${expert}`, shape.intermediate);
  }
  yield norm('model.norm.weight');
  yield weight('lm_head', vocabulary, hidden);
}

/** config.json, as transformers reads it. */
export function qwenDeltaConfig(shape: DeltaShape): string {
  const config = {
    architectures: ['Qwen3_5MoeForCausalLM'],
    model_type: 'qwen3_5_moe_text',
    vocab_size: shape.vocabulary,
    hidden_size: shape.hidden,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    head_dim: shape.headDim,
    moe_intermediate_size: shape.intermediate,
    shared_expert_intermediate_size: shape.sharedIntermediate,
    num_experts: shape.experts,
    num_experts_per_tok: shape.expertsPerToken,
    linear_conv_kernel_dim: shape.taps,
    linear_key_head_dim: shape.deltaDim,
    linear_value_head_dim: shape.deltaDim,
    linear_num_key_heads: shape.deltaKeyHeads,
    linear_num_value_heads: shape.deltaHeads,
    full_attention_interval: 4,
    max_position_embeddings: shape.context,
    rope_parameters: { rope_type: 'default', rope_theta: 10_000_000, partial_rotary_factor: 0.25 },
    tie_word_embeddings: false,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
