// Messages on config.json name the field that is at fault as the file does, whichever of its names the file has.
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';

function refuse(name: string, changes: object, message: RegExp): void {
  const config = { ...goldenConfig(name), ...changes };
  expect(() => findArchitecture(config, 'config.json').decoder(config, 'config.json')).toThrow(message);
}

describe('a field under the name that the file has', () => {
  test.each([
    ['deepseek_v3', { n_routed_experts: 0 }, /expected n_routed_experts to be an integer from 1/],
    ['qwen3_next', { num_experts: 'x' }, /expected num_experts to be an integer from 1 to \d+, found "x"/],
    ['gemma4_text', { top_k_experts: 1.5 }, /expected top_k_experts to be an integer/],
    ['gemma4_text', { top_k_experts: 99 }, /expected top_k_experts to be at most the number of experts, 4/],
    ['kimi_linear', { num_experts_per_token: -1 }, /expected num_experts_per_token to be an integer from 1/],
    ['kimi_linear', { num_expert_group: 3 }, /expected num_expert_group to divide the 4 experts, found 3/],
    ['kimi_linear', { num_shared_experts: 1.5 }, /expected num_shared_experts to be an integer/],
    ['gpt_oss', { num_local_experts: 0 }, /expected num_local_experts to be an integer from 1/],
  ])('%s, %j', refuse);
});

describe('experts and groups that do not fit one another', () => {
  test.each([
    ['deepseek_v3', { n_group: 3 }, /n_group to divide the 8 experts, found 3/],
    ['deepseek_v3', { n_group: 8 }, /n_group that leaves at least 2 of 8 experts a group, found 8/],
    ['deepseek_v3', { topk_group: 5 }, /topk_group to be at most n_group, 4, found 5/],
    [
      'deepseek_v3',
      { topk_group: 1, num_experts_per_tok: 3 },
      /num_experts_per_tok to be at most the 2 experts/,
    ],
    ['deepseek_v2', { n_group: 3 }, /n_group to divide the 8 experts, found 3/],
    ['glm4_moe', { num_experts_per_tok: 9 }, /num_experts_per_tok to be at most the number of experts, 4/],
  ])('%s, %j', refuse);
});

describe('heads, groups and convolutions', () => {
  test.each([
    ['gpt_oss', { head_dim: 9 }, /expected head_dim to be even, found 9/],
    ['mixtral', { hidden_size: 60 }, /expected hidden_size by num_attention_heads to be even, found 15/],
    ['granitemoehybrid', { mamba_d_conv: 1 }, /expected mamba_d_conv of at least 2, found 1/],
    ['jamba', { mamba_d_conv: 1 }, /expected mamba_d_conv of at least 2, found 1/],
    [
      'granitemoehybrid',
      { mamba_n_groups: 3 },
      /expected mamba_n_groups to divide mamba_n_heads, \d+, found 3/,
    ],
  ])('%s, %j', refuse);
});

describe('layers with sliding attention, and no window', () => {
  test.each([
    ['gpt_oss', { sliding_window: 0 }, /sliding_window to be a number of tokens, as layer 0 .*, found 0/],
    ['gpt_oss', { sliding_window: null, layer_types: null }, /sliding_window to be .*, found none/],
    ['granitemoe_swa', { sliding_window: null }, /sliding_window to be .* layer 1 has sliding attention/],
    ['afmoe', { sliding_window: 0 }, /sliding_window to be/],
    ['laguna', { sliding_window: 0 }, /sliding_window to be/],
    ['mellum', { sliding_window: 0 }, /sliding_window to be/],
  ])('%s, %j', refuse);

  test('where no layer has one, none is needed', () => {
    const own = { ...goldenConfig('gpt_oss'), sliding_window: null };
    const config = { ...own, layer_types: ['full_attention', 'full_attention'] };
    expect(findArchitecture(config, 'config.json').decoder(config, 'config.json').layers).toHaveLength(2);
  });
});
