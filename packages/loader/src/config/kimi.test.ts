// Kimi K2.5 is DeepSeek-V3 under other names: the same weights give the same logits, and what stands beside them is carried along.
import type { Tensor } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { logitsOf } from '../testkit/logits.js';
import { checkpointFiles } from '../testkit/memory-files.js';

const text = goldenConfig('deepseek_v3');
const config = { model_type: 'kimi_k25', text_config: text, tie_word_embeddings: false };
const tensors = await readTensors(`${goldenPath('deepseek_v3')}/model.safetensors`);
const renamed = new Map(
  [...tensors].map(([name, tensor]) => [
    `language_model.${name.replace(/^model\.layers\./, 'model.blocks.')}`,
    tensor,
  ]),
);
const tower: Tensor = { dtype: 'F32', shape: [2], data: new Uint8Array(8) };

test('the language model under its names', async () => {
  const all = new Map([...renamed, ['vision_tower.encoder.blocks.0.norm0.weight', tower]]);
  expect(await logitsOf(config, all)).toEqual(await logitsOf(text, tensors));
  const { tensors: found } = await openCheckpoint(checkpointFiles(config, all));
  const others = found.filter(({ facts }) => facts.role === 'other').map(({ facts }) => facts.name);
  expect(others).toEqual(['vision_tower.encoder.blocks.0.norm0.weight']);
});

test('layers behind the last one are carried along, and an unknown tensor within is refused', async () => {
  const open = (name: string) =>
    openCheckpoint(checkpointFiles(config, new Map([...renamed, [name, tower]])));
  const { tensors: found } = await open('language_model.model.blocks.3.eh_proj.weight');
  expect(found.filter(({ facts }) => facts.role === 'other')).toHaveLength(1);
  await expect(open('language_model.model.blocks.1.eh_proj.weight')).rejects.toThrow(
    /only tensors that kimi_k25 has/,
  );
});
