// Decoders without experts: Gemma 3 with a tower is its language model under other names, fields that are absent are those of
// transformers' classes, and what moeq does not run is refused.
import { layerDense, layerMixer } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { densePath, goldenConfig, readTensors } from '../testkit/golden.js';
import { logitsOf } from '../testkit/logits.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { findArchitecture } from './architectures.js';

const configOf = (name: string) => goldenConfig(name, 'config.json', densePath);
const decoderOf = (config: Record<string, unknown>) =>
  findArchitecture(config, 'config.json').decoder(config, 'config.json');
/** Tokens that one sees in each layer, and whether they turn. */
const mixersOf = (config: Record<string, unknown>) =>
  decoderOf(config).layers.map((layer) => {
    const mixer = layerMixer(layer);
    return mixer?.kind === 'attention' ? [mixer.window, mixer.rope?.theta ?? null] : null;
  });

test('Gemma 3 with a tower, as the hub names its tensors', async () => {
  const text = configOf('gemma3_text');
  const tensors = await readTensors(`${densePath('gemma3_text')}/model.safetensors`);
  const tower: Tensor = { dtype: 'F32', shape: [2], data: new Uint8Array(8) };
  const towers = [
    'multi_modal_projector.mm_soft_emb_norm.weight',
    'vision_tower.vision_model.post_layernorm.bias',
  ];
  const all = new Map<string, Tensor>([
    ...[...tensors].map(([name, tensor]) => [`language_model.${name}`, tensor] as const),
    ...towers.map((name) => [name, tower] as const),
  ]);
  const config = { model_type: 'gemma3', text_config: text };
  expect(await logitsOf(config, all)).toEqual(await logitsOf(text, tensors));
  const { tensors: found } = await openCheckpoint(checkpointFiles(config, all));
  const others = found.filter(({ facts }) => facts.role === 'other').map(({ facts }) => facts.name);
  expect(others.sort()).toEqual(towers);
});

test('the text model of Gemma 3 4B says five numbers, and the class the others', () => {
  const config = {
    model_type: 'gemma3',
    text_config: {
      model_type: 'gemma3_text',
      hidden_size: 2560,
      intermediate_size: 10240,
      num_hidden_layers: 6,
      rope_scaling: { factor: 8, rope_type: 'linear' },
      sliding_window: 1024,
    },
  };
  const decoder = decoderOf(config);
  expect(decoder).toMatchObject({ vocabularySize: 262_208, tiedHead: true, embeddingScale: 2560 ** 0.5 });
  expect(mixersOf(config)).toEqual([...Array.from({ length: 5 }, () => [1024, 1e4]), [null, 1e6]]);
  const [sliding, full] = [0, 5].map((index) => layerMixer(decoder.layers[index] ?? { blocks: [] }));
  expect(sliding).toMatchObject({ heads: 8, kvHeads: 4, headDim: 256, scale: 1 / 16 });
  expect(sliding).not.toHaveProperty('rope.scaling');
  expect(full).toHaveProperty('rope.scaling', { kind: 'linear', factor: 8 });
});

test.each([
  [
    'mistral',
    {},
    [
      [8, 1e6],
      [8, 1e6],
    ],
  ],
  [
    'mistral',
    { sliding_window: undefined },
    [
      [4096, 1e6],
      [4096, 1e6],
    ],
  ],
  [
    'mistral',
    { sliding_window: null },
    [
      [null, 1e6],
      [null, 1e6],
    ],
  ],
  [
    'qwen2',
    { layer_types: null },
    [
      [null, 1e6],
      [6, 1e6],
    ],
  ],
  [
    'qwen2',
    { layer_types: ['sliding_attention', 'full_attention'] },
    [
      [6, 1e6],
      [null, 1e6],
    ],
  ],
  [
    'qwen2',
    { layer_types: null, use_sliding_window: false },
    [
      [null, 1e6],
      [null, 1e6],
    ],
  ],
  [
    'smollm3',
    { no_rope_layers: null, no_rope_layer_interval: 2 },
    [
      [null, 5e6],
      [null, null],
      [null, 5e6],
    ],
  ],
  [
    'smollm3',
    { layer_types: null, use_sliding_window: true, sliding_window: 7 },
    [
      [null, 5e6],
      [7, null],
      [null, 5e6],
    ],
  ],
])('%s with %j: windows and rotations', (name, changes, expected) => {
  expect(mixersOf({ ...configOf(name), ...changes })).toEqual(expected);
});

test.each([
  [
    'mistral',
    { layer_types: ['full_attention', 'sliding_attention'] },
    /layer_types to be sliding_attention in all layers, found full/,
  ],
  [
    'qwen2',
    { use_sliding_window: false },
    /use_sliding_window and a sliding_window for the sliding_attention of layer_types/,
  ],
  ['smollm3', { no_rope_layers: [1] }, /no_rope_layers of 3 layers, found 1/],
  [
    'gemma3_text',
    { attn_logit_softcapping: 50 },
    /attn_logit_softcapping to be null: scores are not capped, found "50"/,
  ],
  [
    'gemma3_text',
    { use_bidirectional_attention: true },
    /use_bidirectional_attention to be false: attention is causal/,
  ],
  ['llama', { intermediate_size: undefined }, /a field intermediate_size, found none/],
  [
    'llama',
    { num_key_value_heads: 3 },
    /num_attention_heads to be a multiple of num_key_value_heads, found 4 and 3/,
  ],
])('%s with %j is refused in one sentence', (name, changes, sentence) => {
  expect(() => decoderOf({ ...configOf(name), ...changes })).toThrow(sentence);
});

test('biases of MLPs, and logits within a cap', async () => {
  const biases = ['llama', 'granite'].map((name) =>
    decoderOf({ ...configOf(name), mlp_bias: true }).layers.map((layer) => layerDense(layer)?.bias),
  );
  expect(biases).toEqual([
    [true, true],
    [true, true],
  ]);
  const tensors = await readTensors(`${densePath('gemma3_text')}/model.safetensors`);
  const capped = await logitsOf({ ...configOf('gemma3_text'), final_logit_softcapping: 0.01 }, tensors);
  expect(Math.max(...capped.map(Math.abs))).toBeLessThanOrEqual(0.01);
});
