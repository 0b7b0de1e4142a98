import { fileURLToPath } from 'node:url';
import { modelUrl } from '@moeq/tiny-moe';
import { expect, test } from 'vitest';
import { folder } from '../node/folder.js';
import { openCheckpoint } from './open-checkpoint.js';

const golden = (name: string) =>
  fileURLToPath(new URL(`../../testdata/architectures/${name}`, import.meta.url));

test('tiny-moe: every tensor has a role, and the roles have the parameters that they should', async () => {
  const checkpoint = await openCheckpoint(folder(fileURLToPath(modelUrl)));
  const parameters: Record<string, number> = {};
  for (const { facts } of checkpoint.tensors) {
    parameters[facts.role] =
      (parameters[facts.role] ?? 0) + facts.shape.reduce((product, size) => product * size, 1);
  }
  expect(parameters).toEqual({
    embedding: 4096 * 256,
    head: 4096 * 256,
    norm: 13 * 256,
    attention: 6 * (2 * 256 * 256 + 2 * 64 * 256),
    router: 6 * 8 * 256,
    expert: 6 * 8 * 3 * 256 * 256,
  });
  expect(checkpoint.decoder.layers).toHaveLength(6);
  await checkpoint.close();
});

test.each(['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe'])('%s opens', async (name) => {
  const checkpoint = await openCheckpoint(folder(golden(name)));
  expect(checkpoint.decoder.architecture).toBe(name);
  await checkpoint.close();
});
