// Gemma 4 with towers is its language model under other names: the same weights give the same logits, and what stands beside
// them is carried along. What moeq does not run of Gemma 4 is refused.
import type { Tensor } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { logitsOf } from '../testkit/logits.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { findArchitecture } from './architectures.js';

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
  ['num_kv_shared_layers', 1, /num_kv_shared_layers to be 0, as moeq does not run layers that share keys/],
  ['enable_moe_block', false, /enable_moe_block to be true, as only models with experts are run/],
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
