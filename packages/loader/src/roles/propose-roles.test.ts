// Roles proposed for architectures that moeq does not run, from their names and shapes; what they are is what their
// implementations in transformers 5.18 do with them.
import type { Role } from '@moeq/quantizers';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { folder } from '../node.js';
import { goldenConfig, goldenNames, goldenPath, readTensors } from '../testkit/golden.js';
import { numbersOf, patternOf } from './name-pattern.js';
import { proposalOf } from './propose-roles.js';

const layer = 'model.layers.{layer}';

/** @param rows of each pattern its shape and its role */
function proposed(config: Record<string, unknown>, rows: Record<string, readonly [readonly number[], Role]>) {
  const stored = Object.entries(rows).map(([pattern, [shape]]) => ({
    name: pattern.replace('{layer}', '1').replace('{expert}', '3'),
    shape,
    bytes: 0,
  }));
  return Object.fromEntries(proposalOf(stored, config).map(({ pattern, role }) => [pattern, role]));
}

test.each<[string, Record<string, unknown>, Record<string, readonly [readonly number[], Role]>]>([
  [
    'zaya: a router of several matrices, fused experts, convolutions in attention',
    { num_experts: 8, vocab_size: 256 },
    {
      'model.embed_tokens.weight': [[256, 64], 'embedding'],
      'model.input_hidden_states_scale': [[64], 'other'],
      [`${layer}.input_layernorm.weight`]: [[64], 'norm'],
      [`${layer}.mlp.experts.down_proj`]: [[8, 64, 64], 'expert'],
      [`${layer}.mlp.experts.gate_up_proj`]: [[8, 128, 64], 'expert'],
      [`${layer}.mlp.gate.balancing_biases`]: [[9], 'router'],
      [`${layer}.mlp.gate.down_proj.weight`]: [[32, 64], 'router'],
      [`${layer}.mlp.gate.router_mlp.out_proj.weight`]: [[9, 32], 'router'],
      [`${layer}.post_mlp_residual_scale.residual_bias`]: [[64], 'other'],
      [`${layer}.self_attn.o_proj.weight`]: [[64, 64], 'attention'],
      [`${layer}.self_attn.o_proj.bias`]: [[64], 'attention'],
      [`${layer}.self_attn.qkv_proj.conv_qk_grouped.weight`]: [[96, 16, 2], 'other'],
      [`${layer}.self_attn.qkv_proj.v_proj_delayed.weight`]: [[16, 64], 'attention'],
      'model.norm.weight': [[64], 'norm'],
    },
  ],
  [
    'doge: experts of one row beside a router and a dense MLP',
    { num_experts: 80, vocab_size: 256 },
    {
      'lm_head.weight': [[256, 64], 'head'],
      [`${layer}.mlp.down_embed.weight`]: [[80, 64], 'expert'],
      [`${layer}.mlp.up_embed.weight`]: [[80, 64], 'expert'],
      [`${layer}.mlp.router_gate.weight`]: [[16, 64], 'router'],
      [`${layer}.mlp.gate_proj.weight`]: [[80, 64], 'denseMlp'],
      [`${layer}.self_attn.dt_proj.weight`]: [[2, 32], 'attention'],
      [`${layer}.self_attn.q_norm.weight`]: [[16], 'norm'],
    },
  ],
  [
    'jetmoe: fused experts without a word of them, of attention too',
    { num_local_experts: 8, vocab_size: 256 },
    {
      [`${layer}.mlp.input_linear.weight`]: [[8, 64, 64], 'expert'],
      [`${layer}.mlp.output_linear.weight`]: [[8, 64, 32], 'expert'],
      [`${layer}.mlp.router.layer.weight`]: [[8, 64], 'router'],
      [`${layer}.self_attention.experts.input_linear.weight`]: [[8, 32, 64], 'expert'],
      [`${layer}.self_attention.experts.router.layer.weight`]: [[8, 64], 'router'],
      [`${layer}.self_attention.kv_proj.weight`]: [[64, 64], 'attention'],
    },
  ],
  [
    'longcat_flash: experts one by one, a router with rows of experts that are none, two dense MLPs a layer',
    { n_routed_experts: 8, zero_expert_num: 4, vocab_size: 256 },
    {
      [`${layer}.mlp.experts.{expert}.gate_proj.weight`]: [[32, 64], 'expert'],
      [`${layer}.mlp.router.classifier.weight`]: [[12, 64], 'router'],
      [`${layer}.mlp.router.e_score_correction_bias`]: [[12], 'router'],
      [`${layer}.mlps.0.gate_proj.weight`]: [[64, 64], 'denseMlp'],
      [`${layer}.self_attn.1.kv_a_proj_with_mqa.weight`]: [[40, 64], 'attention'],
      [`${layer}.self_attn.1.kv_a_layernorm.weight`]: [[32], 'norm'],
      [`${layer}.input_layernorm.1.weight`]: [[64], 'norm'],
    },
  ],
  [
    'dbrx, inkling and a tower: experts as rows, shared experts, a vocabulary in a part of the file',
    { text_config: { vocab_size: 256, n_routed_experts: 8 } },
    {
      'transformer.wte.weight': [[256, 64], 'embedding'],
      'transformer.blocks.{layer}.ffn.experts.mlp.w1': [[512, 64], 'expert'],
      'transformer.blocks.{layer}.ffn.router.layer.weight': [[8, 64], 'router'],
      'transformer.blocks.{layer}.norm_attn_norm.attn.Wqkv.weight': [[128, 64], 'attention'],
      [`${layer}.mlp.experts.down_proj`]: [[8, 64, 32], 'expert'],
      [`${layer}.mlp.gate.weight`]: [[10, 64], 'router'],
      [`${layer}.mlp.shared_experts.down_proj`]: [[2, 64, 32], 'sharedExpert'],
      'vision_tower.layers.{layer}.self_attn.q_proj.weight': [[64, 64], 'other'],
    },
  ],
])('%s', (_, config, rows) => {
  expect(proposed(config, rows)).toEqual(
    Object.fromEntries(Object.entries(rows).map(([pattern, [, role]]) => [pattern, role])),
  );
});

test.each(goldenNames)(
  '%s: experts, routers, head and embedding are proposed as what they are',
  async (name) => {
    const stored = await readTensors(`${goldenPath(name)}/model.safetensors`);
    const rows = [...stored].map(([own, { shape }]) => ({ name: own, shape, bytes: 0 }));
    const roleOfPattern = new Map(
      proposalOf(rows, goldenConfig(name)).map(({ pattern, role }) => [pattern, role]),
    );
    const { tensors, close } = await openCheckpoint(folder(goldenPath(name)));
    await close();
    const asked: readonly Role[] = ['expert', 'router', 'head', 'embedding'];
    const wrong = tensors
      .filter(({ facts }) => facts.shape.length > 1)
      .map(({ facts }) => [facts.name, facts.role, roleOfPattern.get(patternOf(facts.name))] as const)
      .filter(
        ([, role, own]) => role !== own && (asked.includes(role) || asked.some((each) => each === own)),
      );
    expect(wrong).toEqual([]);
  },
);

test('numbers of names', () => {
  expect(numbersOf('model.layers.2.mlp.experts.17.w1.weight')).toEqual({ layer: 2, expert: 17 });
  expect(patternOf('model.layers.2.self_attn.1.o_proj.weight')).toBe(`${layer}.self_attn.1.o_proj.weight`);
  expect(numbersOf('model.norm.weight')).toEqual({});
});
