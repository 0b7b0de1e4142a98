// What golden checkpoints of Phi-3.5-MoE, Hunyuan and Mistral 4 do not show: rules of their configuration.
import { type DecoderConfig, layerMixer, layerMoe } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';

const read = (config: Record<string, unknown>): DecoderConfig =>
  findArchitecture(config, 'config.json').decoder(config, 'config.json');
const mixerOf = (decoder: DecoderConfig) => decoder.layers.map(layerMixer)[0];

describe('phimoe', () => {
  const config = goldenConfig('phimoe');
  const rope = config['rope_parameters'] as object;

  test('short_mscale is the factor of the rotation', () => {
    const scaling = { kind: 'longrope', attentionFactor: 1.243163121016122 };
    expect(mixerOf(read(config))).toMatchObject({ rope: { scaling } });
  });

  test('a factor of its own beyond the original length is refused', () => {
    expect(() => read({ ...config, rope_parameters: { ...rope, long_mscale: 1.3 } })).toThrow(
      /long_mscale to be short_mscale, 1.243163121016122, found "?1.3/,
    );
  });

  test('jitter is 0.01 unless config.json says so, and not below 0', () => {
    const { router_jitter_noise: _, ...without } = config;
    expect(read(without).layers.map((layer) => layerMoe(layer)?.route.jitter)).toEqual([0.01, 0.01]);
    expect(() => read({ ...config, router_jitter_noise: -1 })).toThrow(/router_jitter_noise/);
  });
});

describe('hunyuan_v1_moe', () => {
  const config = goldenConfig('hunyuan_v1_moe');
  const rope = config['rope_parameters'] as object;

  test('alpha makes theta larger; without it the rotation depends on the length', () => {
    expect(mixerOf(read(config))).toMatchObject({ rope: { theta: 10_000 * 1000 ** (16 / 14) } });
    expect(mixerOf(read(config))).not.toHaveProperty('rope.scaling');
    const plain = read({ ...config, rope_parameters: { ...rope, alpha: null, factor: 4 } });
    expect(mixerOf(plain)).toMatchObject({
      rope: { theta: 10_000, scaling: { kind: 'dynamic', factor: 4 } },
    });
  });

  test('experts of a token by layer, or one number for all', () => {
    const activeOf = (moe_topk: unknown) =>
      read({ ...config, moe_topk }).layers.map((layer) => layerMoe(layer)?.route.expertsPerToken);
    expect(activeOf([1, 3])).toEqual([1, 3]);
    expect(activeOf(2)).toEqual([2, 2]);
    expect(() => activeOf([2])).toThrow(/moe_topk of 2 layers/);
    expect(() => activeOf([2, 9])).toThrow(/moe_topk to be at most the number of experts, 4, found 9/);
  });
});

describe('mistral4', () => {
  const config = goldenConfig('mistral4_full');
  const text = config['text_config'] as Record<string, unknown>;

  test('the language model by itself is that of the composite', () => {
    expect(read({ ...text, tie_word_embeddings: false })).toEqual({
      ...read(config),
      architecture: 'mistral4',
    });
  });

  test('queries grow where config.json says so', () => {
    expect(mixerOf(read(config))).toMatchObject({ queryFactor: { slope: 0.1, every: 8, offset: 0 } });
    const { llama_4_scaling_beta: _, ...rope } = text['rope_parameters'] as Record<string, unknown>;
    expect(mixerOf(read({ ...text, rope_parameters: rope }))).not.toHaveProperty('queryFactor');
  });

  test('another language model in the composite is refused', () => {
    expect(() => read({ ...config, text_config: { ...text, model_type: 'ministral3' } })).toThrow(
      /model_type to be "mistral4", found "ministral3"/,
    );
  });
});
