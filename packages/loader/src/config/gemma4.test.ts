// Gemma 4 with towers is its language model under other names: the same weights give the same logits, and what stands beside
// them is carried along. What moeq does not run of Gemma 4 is refused.

import { layerDense } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { logitsOf } from '../testkit/logits.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

const text = goldenConfig('gemma4_text');
const config = { model_type: 'gemma4', text_config: text, tie_word_embeddings: true };
const tensors = await readTensors(`${goldenPath('gemma4_text')}/model.safetensors`);
const tower: Tensor = { dtype: 'F32', shape: [2], data: new Uint8Array(8) };
const towers = ['model.embed_vision.embedding_projection.weight', 'model.vision_tower.std_bias'];
const all = new Map<string, Tensor>([
  ...[...tensors].map(
    ([name, tensor]) => [name.replace(/^model\./, 'model.language_model.'), tensor] as const,
  ),
  ...towers.map((name) => [name, tower] as const),
]);

test('the language model of a composite, and its towers beside it', async () => {
  expect(await logitsOf(config, all)).toEqual(await logitsOf(text, tensors));
  const { tensors: found } = await openCheckpoint(checkpointFiles(config, all));
  const others = found.filter(({ facts }) => facts.role === 'other').map(({ facts }) => facts.name);
  expect(others.sort()).toEqual(towers);
});

test.each([
  ['vocab_size_per_layer_input', 255, /vocab_size_per_layer_input to be at least vocab_size, 256, found 255/],
  ['num_kv_shared_layers', 3, /num_kv_shared_layers to be below 3, found 3/],
  ['num_kv_shared_layers', 1, /a layer of full attention before layer 2, found none/],
  ['num_experts', null, /a field num_experts, found none/],
  ['moe_intermediate_size', null, /a field moe_intermediate_size, found none/],
  ['use_bidirectional_attention', 'all', /use_bidirectional_attention to be "vision"/],
])('refuses %s %s in one sentence', (field, value, sentence) => {
  const own = { ...text, hidden_size_per_layer_input: 8, [field]: value };
  expect(() => findArchitecture(own, 'config.json').decoder(own, 'config.json')).toThrow(sentence);
});

test('logits are within the cap, and windows hold heads of another size than full layers', async () => {
  const own = { ...text, final_logit_softcapping: 0.01 };
  const largest = Math.max(...(await logitsOf(own, tensors)).map(Math.abs));
  expect(largest).toBeGreaterThan(0.0099);
  expect(largest).toBeLessThanOrEqual(0.01);
  const { layers } = findArchitecture(text, 'config.json').decoder(text, 'config.json');
  const shapes = layers.flatMap(({ blocks }) =>
    blocks.flatMap((block) =>
      'mixer' in block && block.mixer.kind === 'attention'
        ? [[block.mixer.headDim, block.mixer.kvHeads, block.mixer.window]]
        : [],
    ),
  );
  expect(shapes).toEqual([
    [16, 2, 8],
    [16, 2, 8],
    [32, 1, null],
  ]);
});

test('last layers read what others keep, and files may hold keys and values of them all the same', async () => {
  const path = goldenPath('gemma4_text_inputs');
  const [own, kept] = [goldenConfig('gemma4_text_inputs'), await readTensors(`${path}/model.safetensors`)];
  const { layers } = findArchitecture(own, 'config.json').decoder(own, 'config.json');
  const read = layers.map(({ blocks }) => {
    const [block] = blocks.filter((each) => 'mixer' in each);
    return block?.mixer.kind === 'attention' ? block.mixer.keysOf : null;
  });
  expect(read).toEqual([undefined, undefined, undefined, 1, 2]);
  expect(layers.map((layer) => layerDense(layer)?.intermediateSize)).toEqual([24, 24, 24, 48, 48]);
  const unread = ['k_proj.weight', 'v_proj.weight', 'k_norm.weight'].map(
    (name) => `model.layers.3.self_attn.${name}`,
  );
  const more = new Map([...kept, ...unread.map((name) => [name, tower] as const)]);
  expect(await logitsOf(own, more)).toEqual(await logitsOf(own, kept));
  const { tensors: found } = await openCheckpoint(checkpointFiles(own, more));
  const others = found.filter(({ facts }) => facts.role === 'other').map(({ facts }) => facts.name);
  expect(others.sort()).toEqual(unread.sort());
});

// with what transformers 5.18 makes of each
test.each([
  [undefined, { rotatedDim: 32, scaling: { kind: 'proportional', share: 0.25 } }],
  [{ rope_type: 'proportional' }, { rotatedDim: 32, scaling: { kind: 'proportional', share: 1 } }],
  [{ partial_rotary_factor: 0.25 }, { rotatedDim: 32, scaling: undefined }],
])('the rotation of full layers, %j', (full_attention, rope) => {
  const own = { ...text, rope_parameters: { sliding_attention: { rope_theta: 1e4 }, full_attention } };
  const { layers } = findArchitecture(own, 'config.json').decoder(own, 'config.json');
  const found = attentionOf(layers.at(-1))?.rope;
  expect({ rotatedDim: found?.rotatedDim, scaling: found?.scaling }).toEqual(rope);
});

test.each([
  [0, undefined],
  [null, undefined],
  [20, [{ kind: 'layerInputs', vocabularySize: 256, dim: 20 }]],
  // of transformers' class
  [undefined, [{ kind: 'layerInputs', vocabularySize: 256, dim: 256 }]],
])('inputs of layers of %s numbers', (dim, carried) => {
  const own = { ...text, hidden_size_per_layer_input: dim };
  const decoder = findArchitecture(own, 'config.json').decoder(own, 'config.json');
  expect(decoder.carried).toEqual(carried);
  const slots = decoder.layers.map(({ blocks }) => blocks.map(({ postNorm }) => postNorm?.slot).at(-1));
  expect(new Set(slots)).toEqual(new Set([carried === undefined ? 'mlpPostNorm' : 'layerInputPostNorm']));
});
