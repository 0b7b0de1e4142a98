// What config.json says in the families with latent attention, where the golden checkpoints leave a choice open.
import { type DecoderConfig, type LayerConfig, layerDense, layerMixer, layerMoe } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';

const decoderOf = (name: string, changes: object = {}): DecoderConfig => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};
const mixerOf = (name: string, changes: object = {}) => {
  const mixer = layerMixer(decoderOf(name, changes).layers[0] as LayerConfig);
  if (mixer?.kind !== 'latent') throw new Error(`${name} has ${mixer?.kind}`);
  return mixer;
};
const routeOf = (name: string, changes: object = {}) =>
  layerMoe(decoderOf(name, changes).layers.at(-1) as LayerConfig)?.route;

describe('latent attention', () => {
  test('sizes, with a latent of the queries and without', () => {
    expect(mixerOf('deepseek_v3')).toMatchObject({
      ...{ heads: 4, queryLatentDim: 32, nopeDim: 16, ropeDim: 8, latentDim: 32, valueDim: 16, bias: false },
      rope: { rotatedDim: 8, style: 'interleaved' },
    });
    expect(mixerOf('deepseek_v2_lite').queryLatentDim).toBeNull();
    expect(mixerOf('deepseek_v3', { attention_bias: true }).bias).toBe(true);
    expect(mixerOf('deepseek_v3', { rope_interleave: false }).rope?.style).toBe('halves');
  });

  test('heads need not divide the hidden size, as in GLM-4.7-Flash', () => {
    expect(mixerOf('glm4_moe_lite', { num_attention_heads: 5, head_dim: undefined }).heads).toBe(5);
  });

  test('norms of latents have an epsilon of their own', () => {
    expect([mixerOf('glm4_moe_lite').normEpsilon, decoderOf('glm4_moe_lite').norm.epsilon]).toEqual([
      1e-6, 1e-5,
    ]);
  });

  test('scores are multiplied by the square of what mscale_all_dim makes of the factor', () => {
    const plain = 24 ** -0.5;
    const scaleOf = (rope: object) =>
      mixerOf('deepseek_v3', { rope_parameters: { rope_theta: 1e4, ...rope } }).scale;
    const yarn = { rope_type: 'yarn', factor: 40, original_max_position_embeddings: 4096, mscale: 1 };
    expect(scaleOf({ rope_type: 'default', mscale_all_dim: 1, factor: 40 })).toBe(plain);
    expect(scaleOf({ ...yarn, mscale_all_dim: 0 })).toBe(plain);
    expect(scaleOf({ ...yarn, factor: 1, mscale_all_dim: 1 })).toBe(plain);
    expect(scaleOf({ ...yarn, mscale_all_dim: 0.5 })).toBeCloseTo(plain * (0.05 * Math.log(40) + 1) ** 2, 12);
  });

  test.each([
    [{ q_lora_rank: undefined }, /expected a field q_lora_rank, found none/],
    [{ qk_rope_head_dim: 7 }, /an even qk_rope_head_dim, found 7/],
    [{ mlp_layer_types: ['dense'] }, /mlp_layer_types of 3 layers, found 1/],
    [{ moe_layer_freq: 2 }, /moe_layer_freq to be/],
    [{ scoring_func: 'softmax' }, /scoring_func to be/],
    [{ n_group: 3 }, /n_group to divide the 8 experts, found 3/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('deepseek_v3', changes)).toThrow(sentence);
  });
});

describe('experts', () => {
  test('DeepSeek-V2: the best groups by their best score, or all; never divided by their sum', () => {
    expect(routeOf('deepseek_v2', { norm_topk_prob: true })).toEqual({
      ...{ experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: false, scalingFactor: 16 },
      groups: { count: 4, kept: 2, rank: 'max' },
    });
    expect(routeOf('deepseek_v2', { topk_method: 'greedy' })?.groups).toBeUndefined();
  });

  test('DeepSeek-V3: groups by their best two', () => {
    expect(routeOf('deepseek_v3')).toMatchObject({
      ...{ score: 'sigmoid', normalizeTopK: true, normalizeEpsilon: 1e-20, scalingFactor: 2.5 },
      groups: { count: 4, kept: 2, rank: 'topTwoSum' },
    });
    expect(routeOf('deepseek_v3', { n_group: 1 })?.groups).toBeUndefined();
  });

  test('what stands for fields that are absent is that of the class of transformers', () => {
    const none = { routed_scaling_factor: undefined, n_group: undefined, topk_group: undefined };
    const many = { ...none, n_routed_experts: 64 };
    const groups = { count: 8, kept: 4, rank: 'topTwoSum' };
    expect(routeOf('deepseek_v3', many)).toMatchObject({ scalingFactor: 2.5, groups });
    expect(routeOf('deepseek_v32', many)).toMatchObject({ scalingFactor: 2.5, groups });
    const scaleAndGroups = (name: string, changes: object = none) => {
      const route = routeOf(name, changes);
      return [route?.scalingFactor, route?.groups];
    };
    expect(scaleAndGroups('glm_moe_dsa')).toEqual([2.5, undefined]);
    expect(scaleAndGroups('glm4_moe_lite')).toEqual([1.8, undefined]);
    expect(scaleAndGroups('kimi_linear', { routed_scaling_factor: undefined })).toEqual([2.446, undefined]);
    expect(scaleAndGroups('deepseek_v2')).toEqual([1, undefined]);
  });

  test('null is false', () => {
    expect(routeOf('deepseek_v3', { norm_topk_prob: null })?.normalizeTopK).toBe(false);
    expect(routeOf('kimi_linear', { moe_renormalize: null })?.normalizeTopK).toBe(false);
    expect(mixerOf('deepseek_v3', { rope_interleave: null }).rope?.style).toBe('halves');
  });

  test('dense layers by number, by list, and by default; shared experts', () => {
    const dense = (name: string, changes: object) =>
      decoderOf(name, changes).layers.map((layer) => layerDense(layer) !== null);
    const none = { first_k_dense_replace: undefined, mlp_layer_types: undefined };
    expect(dense('deepseek_v3', none)).toEqual([true, true, true]);
    expect(dense('deepseek_v2', none)).toEqual([false, false]);
    expect(dense('glm4_moe_lite', none)).toEqual([true, false]);
    expect(dense('deepseek_v3', { first_k_dense_replace: 2 })).toEqual([true, true, false]);
    expect(dense('glm4_moe_lite', { mlp_layer_types: ['sparse', 'dense'] })).toEqual([false, true]);
    const shared = (changes: object) =>
      layerMoe(decoderOf('deepseek_v2', changes).layers.at(-1) as LayerConfig)?.shared?.intermediateSize;
    expect([shared({}), shared({ n_shared_experts: 3 }), shared({ n_shared_experts: 0 })]).toEqual([
      64,
      96,
      undefined,
    ]);
  });
});
