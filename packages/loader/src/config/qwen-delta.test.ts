// What config.json says of the Qwens with gated delta nets, where the golden checkpoints leave a choice open.
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

describe('Qwen3-Next and Qwen3.5', () => {
  const four = { layer_types: undefined, num_hidden_layers: 4 };
  const kinds = (name: string, changes: object) =>
    layersOf(name, changes, (layer) => layerMixer(layer)?.kind === 'deltaNet');

  test('delta nets in all layers but every fourth, or as config.json says', () => {
    expect(kinds('qwen3_next', four)).toEqual([true, true, true, false]);
    expect(kinds('qwen3_next', { ...four, full_attention_interval: 2 })).toEqual([true, false, true, false]);
    const layer_types = ['full_attention', 'linear_attention'];
    expect(kinds('qwen3_next', { layer_types })).toEqual([false, true]);
  });

  test('sizes that may be left out, gates and the part of a head that turns', () => {
    const sizes = Object.fromEntries(
      ['conv_kernel_dim', 'key_head_dim', 'value_head_dim', 'num_key_heads', 'num_value_heads'].map(
        (name) => [`linear_${name}`, undefined],
      ),
    );
    const [net] = layersOf('qwen3_next', sizes, layerMixer);
    expect(net).toEqual({
      ...{ kind: 'deltaNet', heads: 32, keyHeads: 16, keyDim: 128, valueDim: 128, taps: 4 },
      rows: 'grouped',
    });
    const left = { partial_rotary_factor: undefined, rope_parameters: undefined };
    expect(attentionOf(decoderOf('qwen3_next', left).layers[1])).toMatchObject({
      queryKeyNorm: 'head',
      gate: { kind: 'sigmoid', per: 'number', placed: 'withQueries' },
      rope: { theta: 10_000, rotatedDim: 8 },
    });
    expect(decoderOf('qwen3_next').norm.weight).toBe('lessOne');
  });

  test('dense layers in Qwen3-Next, none in Qwen3.5; weights of experts add up to one unless it says otherwise', () => {
    const dense = (changes: object) =>
      layersOf('qwen3_next', { ...four, ...changes }, (layer) => layerDense(layer) !== null);
    expect(dense({ mlp_only_layers: [1] })).toEqual([false, true, false, false]);
    expect(dense({ decoder_sparse_step: 2 })).toEqual([true, false, true, false]);
    const route = (name: string, changes: object) =>
      layerMoe(decoderOf(name, changes).layers[0] as LayerConfig)?.route.normalizeTopK;
    expect([
      route('qwen3_next', { norm_topk_prob: undefined }),
      route('qwen3_next', { norm_topk_prob: false }),
      route('qwen3_5_moe_full', {}),
    ]).toEqual([true, false, true]);
  });

  test('the language model of Qwen3.5 by itself is that of the composite', () => {
    const { text_config: text } = goldenConfig('qwen3_5_moe_full') as { text_config: object };
    const alone = { ...text, tie_word_embeddings: false };
    const decoder = findArchitecture({ ...alone }, 'config.json').decoder({ ...alone }, 'config.json');
    expect({ ...decoder, architecture: 'qwen3_5_moe' }).toEqual(decoderOf('qwen3_5_moe_full'));
  });

  test.each([
    [{ layer_types: ['linear_attention'] }, /layer_types of 2 layers, found 1/],
    [
      { linear_num_key_heads: 3 },
      /linear_num_value_heads to be a multiple of linear_num_key_heads, found 4 and 3/,
    ],
    [{ linear_conv_kernel_dim: 1 }, /linear_conv_kernel_dim of at least 2, found 1/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('qwen3_next', changes)).toThrow(sentence);
  });
});
