// What config.json says of the families with Mamba layers, where the golden checkpoints leave a choice open.
import { type DecoderConfig, type LayerConfig, layerDense, layerMixer, layerMoe } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { goldenConfig } from '../testkit/golden.js';
import { findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

const decoderOf = (name: string, changes: object = {}): DecoderConfig => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};
/** What a layer is made of, by the kinds of its parts. */
const partsOf = (layer: LayerConfig): string =>
  [layerMixer(layer)?.kind, layerMoe(layer) && 'experts', layerDense(layer) && 'dense']
    .filter((part) => part != null)
    .join(' ');
const layersOf = (name: string, changes: object = {}) => decoderOf(name, changes).layers.map(partsOf);
const mambaOf = (name: string, changes: object = {}) => {
  const mixers = decoderOf(name, changes).layers.map(layerMixer);
  return mixers.find((mixer) => mixer?.kind === 'mamba');
};

describe('Nemotron-H', () => {
  const unlisted = { layers_block_type: undefined };

  test('a layer is one thing, by list or by letters; the list wins', () => {
    const kinds = ['mamba', 'experts', 'mamba', 'attention', 'experts', 'dense'];
    expect(layersOf('nemotron_h')).toEqual(kinds);
    const pattern = { hybrid_override_pattern: 'ME*-' };
    expect(layersOf('nemotron_h', { ...unlisted, ...pattern })).toEqual([
      'mamba',
      'experts',
      'attention',
      'dense',
    ]);
    expect(layersOf('nemotron_h', pattern)).toEqual(kinds);
    expect(layersOf('nemotron_h', { num_hidden_layers: 9 })).toEqual(kinds);
    const older = ['mamba', 'attention', 'mlp'];
    expect(layersOf('nemotron_h', { layers_block_type: older })).toEqual(['mamba', 'attention', 'dense']);
  });

  test('groups, time steps and latent experts', () => {
    expect(
      mambaOf('nemotron_h', { time_step_min: 0.01, use_bias: true, use_conv_bias: false }),
    ).toMatchObject({
      ...{ version: 2, heads: 4, headDim: 16, groups: 2, normGroups: 2, taps: 4 },
      ...{ leastTimeStep: 0.01, largestTimeStep: Infinity, bias: true, tapsBias: false },
    });
    expect(mambaOf('nemotron_h', { time_step_min: 0 })).toMatchObject({ leastTimeStep: 0 });
    const latent = (name: string) => layerMoe(decoderOf(name).layers[1] as LayerConfig)?.latentDim;
    expect([latent('nemotron_h'), latent('nemotron_h_latent')]).toEqual([undefined, 32]);
    expect(attentionOf(decoderOf('nemotron_h').layers[3])?.rope).toBe(null);
  });

  test('names of the first files', () => {
    const {
      n_groups: _,
      conv_kernel: __,
      use_conv_bias: ___,
      time_step_min: ____,
      ...config
    } = goldenConfig('nemotron_h');
    const first = { mamba_n_groups: 4, mamba_d_conv: 3, mamba_dt_min: 0.02, mamba_conv_bias: false };
    const { layers } = findArchitecture(config, 'config.json').decoder(
      { ...config, ...first },
      'config.json',
    );
    expect(layers.map(layerMixer).find((mixer) => mixer?.kind === 'mamba')).toMatchObject({
      ...{ groups: 4, taps: 3, leastTimeStep: 0.02, tapsBias: false },
    });
  });

  test.each([
    [unlisted, /layers_block_type or hybrid_override_pattern, found neither/],
    [{ ...unlisted, hybrid_override_pattern: 'MX' }, /hybrid_override_pattern to be a string of the letters/],
    [{ n_groups: 3 }, /n_groups to divide mamba_num_heads, 4, found 3/],
    [{ time_step_min: -1 }, /time_step_min to be a number from 0/],
    [{ conv_kernel: 1 }, /conv_kernel of at least 2, found 1/],
    [{ mlp_hidden_act: 'silu' }, /mlp_hidden_act to be relu2, found "silu"/],
    [{ mlp_bias: true }, /mlp_bias to be false, found "true"/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('nemotron_h', changes)).toThrow(sentence);
  });
});

describe('Granite hybrids', () => {
  test('Mamba 2 unless a layer says otherwise, experts in all', () => {
    expect(layersOf('granitemoehybrid')).toEqual(['mamba experts', 'mamba experts', 'attention experts']);
    const all = layersOf('granitemoehybrid', { layer_types: null });
    expect(all).toEqual(['mamba experts', 'mamba experts', 'mamba experts']);
  });

  test('positions where config.json says so', () => {
    const rope = (changes: object) => attentionOf(decoderOf('granitemoehybrid', changes).layers[2])?.rope;
    expect(rope({})).toBe(null);
    expect(rope({ position_embedding_type: null })).toBe(null);
    expect(rope({ position_embedding_type: 'rope' })?.theta).toBe(10_000);
  });

  test('sizes of heads, and limits of time steps', () => {
    expect(mambaOf('granitemoehybrid', { mamba_d_head: 'auto' })).toEqual(mambaOf('granitemoehybrid'));
    const limits = { time_step_limit: [0.001, 0.1] };
    expect(mambaOf('granitemoehybrid', limits)).toMatchObject({ leastTimeStep: 0.001, largestTimeStep: 0.1 });
    const free = { leastTimeStep: 0, largestTimeStep: Infinity };
    expect(mambaOf('granitemoehybrid', { time_step_limit: [0, Infinity] })).toMatchObject(free);
    expect(mambaOf('granitemoehybrid', { time_step_limit: null })).toMatchObject(free);
  });

  test.each([
    [{ layer_types: ['mamba'] }, /layer_types of 3 layers, found 1/],
    [{ mamba_d_head: 8 }, /mamba_n_heads times mamba_d_head to be mamba_expand times hidden_size/],
    [{ time_step_limit: [2, 1] }, /time_step_limit in order, found 2 and 1/],
    [{ hidden_act: 'gelu' }, /hidden_act to be silu, which Mamba layers have, found gelu/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('granitemoehybrid', changes)).toThrow(sentence);
  });
});

describe('Jamba', () => {
  test('attention and experts by period and offset', () => {
    const kinds = ['mamba dense', 'mamba experts', 'attention dense', 'mamba experts'];
    expect(layersOf('jamba')).toEqual(kinds);
    expect(layersOf('jamba', { attn_layer_offset: 0, expert_layer_period: 3 })).toEqual([
      'attention dense',
      'mamba experts',
      'mamba dense',
      'mamba dense',
    ]);
    const one = { num_experts: 1, num_experts_per_tok: 1 };
    expect(layersOf('jamba', one)).toEqual(['mamba dense', 'mamba dense', 'attention dense', 'mamba dense']);
  });

  test('numbers that time steps are made of', () => {
    expect(mambaOf('jamba', { mamba_dt_rank: 'auto' })).toMatchObject({ version: 1, timeStepRank: 2 });
    expect(mambaOf('jamba', { mamba_dt_rank: 7 })).toMatchObject({ heads: 64, headDim: 1, timeStepRank: 7 });
  });

  test.each([
    [{ attn_layer_offset: 4 }, /attn_layer_offset below attn_layer_period, 4, found 4/],
    [{ expert_layer_offset: 2 }, /expert_layer_offset below expert_layer_period, 2, found 2/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf('jamba', changes)).toThrow(sentence);
  });
});
