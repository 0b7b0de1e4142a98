// What config.json says of Kimi Linear, where the golden checkpoint leaves a choice open, and tensors whose names two mixers share.
import { type DecoderConfig, layerDense, layerMixer, layerMoe } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { findArchitecture } from './architectures.js';

const { max_position_embeddings: _, ...hub } = goldenConfig('kimi_linear', 'config.hub.json');
const lists = hub['linear_attn_config'] as object;
const decoderOf = (changes: object = {}): DecoderConfig => {
  const config = { ...hub, ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};
const kinds = (changes: object = {}) => decoderOf(changes).layers.map((layer) => layerMixer(layer)?.kind);
const [delta, latent] = ['kimiDelta', 'latent'];

describe('layers', () => {
  test('by linear_attn_config, by layer_types, which win, or all but every fourth behind the first', () => {
    expect(kinds()).toEqual([delta, delta, delta, latent]);
    const swapped = { ...lists, kda_layers: [4, 2], full_attn_layers: [1, 3] };
    expect(kinds({ linear_attn_config: swapped })).toEqual([latent, delta, latent, delta]);
    const layer_types = ['full_attention', 'linear_attention', 'full_attention', 'full_attention'];
    expect(kinds({ layer_types })).toEqual([latent, delta, latent, latent]);
    const six = { linear_attn_config: undefined, num_hidden_layers: 6 };
    expect(kinds(six)).toEqual([delta, delta, delta, delta, latent, delta]);
  });

  test('dense ones first, or by mlp_layer_types', () => {
    const dense = (changes: object) => decoderOf(changes).layers.map((layer) => layerDense(layer) !== null);
    expect(dense({ first_k_dense_replace: undefined })).toEqual([true, false, false, false]);
    expect(dense({ first_k_dense_replace: 0 })).toEqual([false, false, false, false]);
    const mlp_layer_types = ['sparse', 'dense', 'sparse', 'dense'];
    expect(dense({ mlp_layer_types })).toEqual([false, true, false, true]);
  });

  test.each([
    [{ layer_types: ['linear_attention'] }, /layer_types of 4 layers, found 1/],
    [
      { linear_attn_config: { ...lists, kda_layers: [1, 2] } },
      /linear_attn_config to name each of the layers 1 to 4 once, found 3 names of 3 layers/,
    ],
    [
      { linear_attn_config: { ...lists, kda_layers: [1, 2, 4] } },
      /linear_attn_config to name each of the layers 1 to 4 once, found 4 names of 3 layers/,
    ],
    [
      { linear_attn_config: { ...lists, short_conv_kernel_size: 1 } },
      /linear_attn_config\.short_conv_kernel_size of at least 2, found 1/,
    ],
    [{ mla_use_nope: false }, /mla_use_nope to be true, found "false"/],
    [{ moe_router_activation_func: 'softmax' }, /moe_router_activation_func to be sigmoid/],
    [{ hidden_act: 'gelu' }, /hidden_act to be silu, found "gelu"/],
    [{ moe_renormalize: false, norm_topk_prob: true }, /moe_renormalize equal to norm_topk_prob/],
  ])('%j is refused', (changes, sentence) => {
    expect(() => decoderOf(changes)).toThrow(sentence);
  });
});

test('sizes of Kimi Delta Attention: of linear_attn_config, of the fields beside it, or the defaults', () => {
  const mixer = (changes: object) => {
    const [layer] = decoderOf(changes).layers;
    return layer === undefined ? null : layerMixer(layer);
  };
  const fields = { linear_num_heads: 5, linear_head_dim: 6, linear_conv_kernel_dim: 3 };
  expect(mixer(fields)).toEqual({ kind: delta, heads: 4, headDim: 16, taps: 4 });
  const none = { linear_attn_config: undefined };
  expect(mixer({ ...none, ...fields })).toEqual({ kind: delta, heads: 5, headDim: 6, taps: 3 });
  expect(mixer(none)).toEqual({ kind: delta, heads: 32, headDim: 128, taps: 4 });
});

test('latent attention without rotation, queries of the input or of a latent', () => {
  const last = (changes: object) => layerMixer(decoderOf(changes).layers.at(-1) ?? { blocks: [] });
  expect(last({})).toMatchObject({ kind: latent, rope: null, queryLatentDim: null, normEpsilon: 1e-6 });
  expect(last({ q_lora_rank: 12 })).toMatchObject({ queryLatentDim: 12 });
});

test('experts and context under the names of Kimi', () => {
  const changes = {
    ...{ num_expert_group: 2, num_experts_per_token: 1, moe_renormalize: false, num_shared_experts: 3 },
    ...{ model_max_length: 99 },
  };
  const { contextLength, layers } = decoderOf(changes);
  expect(contextLength).toBe(99);
  const moe = layerMoe(layers.at(-1) ?? { blocks: [] });
  expect(moe?.route).toEqual({
    ...{ experts: 4, expertsPerToken: 1, score: 'sigmoid', normalizeTopK: false, normalizeEpsilon: 1e-20 },
    ...{ scalingFactor: 2.446, groups: { count: 2, kept: 1, rank: 'topTwoSum' } },
  });
  expect(moe?.shared?.intermediateSize).toBe(3 * 32);
});

test('queries and outputs belong to the mixer that their layer has', async () => {
  const tensors = await readTensors(`${goldenPath('kimi_linear')}/model.safetensors`);
  const { tensors: found } = await openCheckpoint(checkpointFiles(hub, tensors));
  const slotsOf = (name: string) =>
    found.filter(({ facts }) => facts.name.endsWith(`self_attn.${name}.weight`)).map(({ slot }) => slot);
  const [three, one] = [(slot: string) => [slot, slot, slot], (slot: string) => [slot]];
  expect(slotsOf('q_proj').sort()).toEqual([...three('kimiQuery'), ...one('latentQuery')]);
  expect(slotsOf('o_proj').sort()).toEqual([...three('kimiOutput'), ...one('latentOutput')]);
});

test('a matrix of the other mixer is refused by its shape', async () => {
  const tensors = await readTensors(`${goldenPath('kimi_linear')}/model.safetensors`);
  const name = (layer: number) => `model.layers.${layer}.self_attn.q_proj.weight`;
  const [own, other] = [tensors.get(name(0)), tensors.get(name(3))];
  if (own === undefined || other === undefined) throw new Error('no q_proj');
  const swapped = new Map([...tensors, [name(0), other], [name(3), own]]);
  await expect(openCheckpoint(checkpointFiles(hub, swapped))).rejects.toThrow(
    /layers\.0\.self_attn\.q_proj\.weight" with shape \[64,64\], as config\.json says, found \[96,64\]/,
  );
});
