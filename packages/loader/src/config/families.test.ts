// What config.json says in the families that took their experts over from DeepSeek-V3 and in those whose layers differ, where the
// golden checkpoints leave a choice open.
import { type DecoderConfig, type LayerConfig, layerDense, layerMixer, layerMoe } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

const decoderOf = (name: string, changes: object = {}): DecoderConfig => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};
const layersOf = <Found>(name: string, changes: object, get: (layer: LayerConfig) => Found): Found[] =>
  decoderOf(name, changes).layers.map(get);

describe('LFM2-MoE', () => {
  test('convolutions and attention by layer, dense layers first', () => {
    const layer_types = ['full_attention', 'conv', 'conv', 'full_attention'];
    expect(layersOf('lfm2_moe', { layer_types }, (layer) => layerMixer(layer)?.kind)).toEqual([
      'attention',
      'shortConv',
      'shortConv',
      'attention',
    ]);
    const dense = (changes: object) => layersOf('lfm2_moe', changes, (layer) => layerDense(layer) !== null);
    expect(dense({})).toEqual([true, true, false, false]);
    expect(dense({ num_dense_layers: 3 })).toEqual([true, true, true, false]);
  });

  test('what may be left out, and what wins', () => {
    const left = { num_dense_layers: undefined, conv_L_cache: undefined, norm_eps: undefined };
    expect(decoderOf('lfm2_moe', left)).toEqual(decoderOf('lfm2_moe'));
    expect(decoderOf('lfm2_moe', { norm_eps: 1e-3, rms_norm_eps: 1e-2 }).norm.epsilon).toBe(1e-3);
    const tied = (changes: object) => decoderOf('lfm2_moe', changes).tiedHead;
    expect([tied({ tie_word_embeddings: undefined }), tied({ tie_embedding: false })]).toEqual([true, false]);
    expect(
      layerMoe(decoderOf('lfm2_moe', { use_expert_bias: false }).layers[2] as LayerConfig),
    ).toMatchObject({
      correctionBias: false,
      route: { score: 'sigmoid', normalizeTopK: true, normalizeEpsilon: 1e-6 },
    });
  });

  test.each([
    [{ layer_types: ['conv'] }, /layer_types of 4 layers, found 1/],
    [{ layer_types: undefined }, /expected a field layer_types, found none/],
    [{ conv_bias: true }, /conv_bias to be false, found "true"/],
    [{ conv_L_cache: 1 }, /conv_L_cache of at least 2, found 1/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('lfm2_moe', changes)).toThrow(sentence);
  });
});

describe('experts of DeepSeek-V3', () => {
  const routeOf = (name: string, changes: object) => {
    const { layers } = decoderOf(name, changes);
    return layerMoe(layers.at(-1) as LayerConfig)?.route;
  };

  test('groups, scales and shared experts', () => {
    expect(routeOf('glm4_moe', {})).toEqual({
      experts: 4,
      expertsPerToken: 2,
      score: 'sigmoid',
      normalizeTopK: true,
      normalizeEpsilon: 1e-20,
      scalingFactor: 2.5,
    });
    expect(routeOf('glm4_moe', { n_group: 2, topk_group: 1 })?.groups).toEqual({
      count: 2,
      kept: 1,
      rank: 'topTwoSum',
    });
    expect(() => routeOf('glm4_moe', { n_group: 3 })).toThrow(/n_group to divide the 4 experts, found 3/);
    const shared = (name: string, changes: object) =>
      layerMoe(decoderOf(name, changes).layers.at(-1) as LayerConfig)?.shared?.intermediateSize;
    expect([
      shared('glm4_moe', { n_shared_experts: 3 }),
      shared('dots1', { n_shared_experts: null }),
    ]).toEqual([96, undefined]);
    expect(routeOf('dots1', { norm_topk_prob: undefined })?.normalizeTopK).toBe(false);
    expect(routeOf('exaone_moe', { routed_scaling_factor: undefined })?.scalingFactor).toBe(2.5);
    expect(routeOf('hy_v3', { router_scaling_factor: null })?.scalingFactor).toBe(2.826);
  });

  test('dense layers by number or by list', () => {
    const dense = (name: string, changes: object) =>
      layersOf(name, changes, (layer) => layerDense(layer) !== null);
    expect(dense('glm4_moe', { first_k_dense_replace: 2 })).toEqual([true, true, false]);
    expect(dense('dots1', { first_k_dense_replace: undefined })).toEqual([false, false, false]);
    expect(dense('hy_v3', { mlp_layer_types: undefined })).toEqual([true, false, false]);
    const types = ['sparse', 'sparse', 'dense', 'sparse'];
    expect(dense('exaone_moe', { mlp_layer_types: types })).toEqual([false, false, true, false]);
    expect(() => dense('exaone_moe', { mlp_layer_types: ['dense'] })).toThrow(/mlp_layer_types of 4 layers/);
  });
});

describe('attention by layer', () => {
  test('dots.llm1: windows from a layer on', () => {
    const windows = (changes: object) =>
      layersOf('dots1', { layer_types: null, ...changes }, (layer) => attentionOf(layer)?.window);
    expect(windows({})).toEqual([null, null, null]);
    expect(windows({ max_window_layers: 1, sliding_window: 8 })).toEqual([null, 8, 8]);
    expect(windows({ max_window_layers: 1, sliding_window: undefined })).toEqual([null, 4096, 4096]);
    expect(windows({ max_window_layers: 1, sliding_window: null })).toEqual([null, null, null]);
  });

  test('K-EXAONE: windows turn, layers over all tokens do not, unless there are no windows', () => {
    const layers = (changes: object) =>
      layersOf('exaone_moe', { layer_types: null, ...changes }, (layer) => {
        const attention = attentionOf(layer);
        return [attention?.window, attention?.rope?.theta ?? null];
      });
    const slides = [8, 1e6];
    const sees = [null, null];
    expect(layers({ sliding_window_pattern: 2 })).toEqual([slides, sees, slides, sees]);
    expect(layers({ sliding_window_pattern: undefined })).toEqual([slides, slides, slides, sees]);
    const types = ['full_attention', 'full_attention', 'sliding_attention', 'sliding_attention'];
    expect(layers({ layer_types: types })).toEqual([sees, sees, slides, slides]);
    const turning = [null, 1e6];
    expect(layers({ sliding_window: null, layer_types: types })).toEqual([
      turning,
      turning,
      turning,
      turning,
    ]);
    expect(() => layers({})).toThrow(/layer_types, or a number as sliding_window_pattern, found LLLG/);
  });

  test('a part of a head turns: within the parameters, beside them, or by default', () => {
    const turned = (name: string, changes: object) =>
      attentionOf(decoderOf(name, { partial_rotary_factor: undefined, ...changes }).layers[0])?.rope
        ?.rotatedDim;
    const parameters = { rope_type: 'default', rope_theta: 1e4 };
    expect(turned('glm4_moe', { rope_parameters: parameters })).toBe(8);
    expect(turned('glm4_moe', { rope_parameters: { ...parameters, partial_rotary_factor: 0.25 } })).toBe(4);
    expect(turned('glm4_moe', { rope_parameters: parameters, partial_rotary_factor: 1 })).toBe(16);
    const yarn = { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 256 };
    expect(turned('glm4_moe', { rope_parameters: yarn })).toBe(8);
    const m2 = { rope_parameters: parameters, rotary_dim: undefined };
    expect([turned('minimax_m2', m2), turned('minimax_m2', { ...m2, rotary_dim: 4 })]).toEqual([16, 4]);
    expect(() => turned('minimax_m2', { ...m2, rotary_dim: 32 })).toThrow(
      /rotary_dim of at most head_dim, 16/,
    );
    expect(() => turned('glm4_moe', { ...m2, partial_rotary_factor: 2 })).toThrow(
      /partial_rotary_factor to be a number above 0, at most 1, found "2"/,
    );
    expect(() => turned('glm4_moe', { ...m2, partial_rotary_factor: 0.2 })).toThrow(
      /an even number.*found 3/,
    );
  });

  test('FlexOlmo: norms behind attention and experts', () => {
    const [layer] = decoderOf('flex_olmo').layers;
    expect(layer?.blocks.map(({ norm, postNorm }) => [norm, postNorm?.slot])).toEqual([
      [null, 'mixerPostNorm'],
      [null, 'mlpPostNorm'],
    ]);
  });
});

describe('composites', () => {
  const text = (changes: object) => ({ text_config: { ...goldenText(), ...changes } });
  const goldenText = () => goldenConfig('glm4v_moe')['text_config'] as object;

  test('the language model is configured by its part of the file', () => {
    expect(decoderOf('glm4v_moe')).toMatchObject({
      architecture: 'glm4v_moe',
      hiddenSize: 64,
      tiedHead: false,
    });
    expect(decoderOf('glm4v_moe', text({ num_hidden_layers: 2 })).layers).toHaveLength(2);
    const biasOf = (changes: object) =>
      attentionOf(decoderOf('glm4v_moe', text(changes)).layers[0])?.bias.qkv;
    expect([biasOf({ attention_bias: undefined }), biasOf({ attention_bias: false })]).toEqual([true, false]);
  });

  test('the head is tied as the composite says, and as its part says where it does not', () => {
    const tied = (changes: object) => decoderOf('glm4v_moe', changes).tiedHead;
    expect(tied({ tie_word_embeddings: true })).toBe(true);
    expect(tied({ tie_word_embeddings: undefined, ...text({ tie_word_embeddings: true }) })).toBe(true);
  });

  test.each([
    [{ text_config: undefined }, /config\.json: .*expected an object text_config, found none/],
    [{ text_config: 'x' }, /expected an object text_config, found "x"/],
    [text({ hidden_size: 0 }), /config\.json, text_config: .*hidden_size to be an integer from 1/],
  ])('a part that cannot be is refused', (changes, sentence) => {
    expect(() => decoderOf('glm4v_moe', changes)).toThrow(sentence);
  });
});

test('ERNIE 4.5: experts between two layers at an interval, biases where it says so', () => {
  const dense = (changes: object) =>
    layersOf('ernie4_5_moe', { num_hidden_layers: 5, ...changes }, (layer) => layerDense(layer) !== null);
  expect(dense({ moe_layer_end_index: undefined })).toEqual([true, false, false, false, false]);
  expect(dense({ moe_layer_end_index: 3, moe_layer_interval: 2 })).toEqual([true, false, true, false, true]);
  const { headBias, layers } = decoderOf('ernie4_5_moe', { use_bias: true });
  const [first, second] = layers.map((layer) => [layerDense(layer)?.bias, layerMoe(layer)?.shared?.bias]);
  expect([headBias, attentionOf(layers[0])?.bias, first, second]).toEqual([
    true,
    { qkv: true, output: true },
    [true, undefined],
    [undefined, true],
  ]);
  expect(attentionOf(layers[0])?.rope?.style).toBe('interleaved');
});
