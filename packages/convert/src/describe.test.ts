import type { Checkpoint, CheckpointTensor } from '@moeq/loader';
import { openCheckpoint } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { expect, test } from 'vitest';
import { goldenPath } from '../../loader/src/testkit/golden.js';
import { describeCheckpoint } from './describe.js';
import { mixtralFolder } from './testkit/checkpoint.js';

async function checkpoint(fused: boolean): Promise<Checkpoint> {
  await using model = await mixtralFolder({ fused });
  const opened = await openCheckpoint(folder(model.path));
  await opened.close();
  return opened;
}

test.each([false, true])('counts, fused: %s', async (fused) => {
  const summary = describeCheckpoint(await checkpoint(fused));
  // hidden 64, intermediate 96, vocabulary 128, 4 experts of which 2, 2 layers
  const experts = 2 * 4 * 3 * 64 * 96;
  const rest = 2 * (4 * 64 * 64 + 4 * 64 + 2 * 64) + 64 + 128 * 64;
  expect(summary).toMatchObject({
    architecture: 'mixtral',
    parameters: experts + rest + 128 * 64,
    activeParameters: experts / 2 + rest,
    layers: 2,
    experts: { routed: 4, perToken: 2, shared: 0 },
    bytes: {
      total: 2 * (experts + rest + 128 * 64),
      byRole: { expert: 2 * experts, router: 2 * 2 * 4 * 64 },
    },
    bitsPerWeight: { total: 16 },
  });
  const sum = summary.tensors.reduce((total, { bytes }) => total + bytes, 0);
  expect(sum).toBe(summary.bytes.total);
});

test('a table that is the head as well is multiplied with, and so is active', async () => {
  const opened = await checkpoint(false);
  const apart = describeCheckpoint(opened).activeParameters;
  const tied = { ...opened, decoder: { ...opened.decoder, tiedHead: true } };
  expect(describeCheckpoint(tied).activeParameters - apart).toBe(128 * 64);
});

test('a table of inputs of layers is not multiplied with', async () => {
  const opened = await openCheckpoint(folder(goldenPath('gemma4_text_inputs')));
  await opened.close();
  const without = opened.tensors.filter(({ slot }) => slot !== 'layerInputEmbedding');
  const [all, less] = [describeCheckpoint(opened), describeCheckpoint({ ...opened, tensors: without })];
  expect(all.parameters - less.parameters).toBe(264 * 60);
  expect(all.activeParameters).toBe(less.activeParameters);
});

test('quantized tensors give their format, plain ones their dtype; nothing at all is no division by zero', async () => {
  const opened = await checkpoint(false);
  const [first] = opened.tensors;
  if (first === undefined) throw new Error('no tensors');
  const quantized: CheckpointTensor = { ...first, stored: 'nf4-dq', bytes: 1000 };
  const { tensors, bitsPerWeight } = describeCheckpoint({ ...opened, tensors: [quantized] });
  expect(tensors).toEqual([
    {
      name: first.facts.name,
      role: first.facts.role,
      format: 'nf4-dq',
      shape: first.facts.shape,
      bytes: 1000,
    },
  ]);
  expect(bitsPerWeight.total).toBeCloseTo(8000 / first.facts.shape.reduce((a, b) => a * b, 1), 12);
  const empty = describeCheckpoint({ ...opened, tensors: [] });
  expect(empty).toMatchObject({
    parameters: 0,
    bytes: { total: 0 },
    bitsPerWeight: { total: 0, byRole: {} },
  });
});
