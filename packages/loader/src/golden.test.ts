// All architectures against transformers: on the reference backend, and from both forms of their configuration.
import { referenceBackend } from '@moeq/kernels';
import { describe, expect, test } from 'vitest';
import { architectures, findArchitecture } from './config/architectures.js';
import {
  denseNames,
  densePath,
  goldenConfig,
  goldenHubNames,
  goldenNames,
  goldenPath,
} from './testkit/golden.js';
import { goldenSuite } from './testkit/golden-suite.js';

describe('on the reference backend', () => {
  const backend = referenceBackend();
  goldenSuite({ backend: () => backend, bound: () => 2e-3 });

  describe('without experts', () => {
    goldenSuite({ backend: () => backend, bound: () => 2e-4, names: denseNames, path: densePath });
  });
});

test('every architecture has a golden checkpoint', () => {
  const modelTypes = [
    ...goldenNames.map((name) => goldenConfig(name)['model_type']),
    ...denseNames.map((name) => goldenConfig(name, 'config.json', densePath)['model_type']),
  ];
  const others = architectures
    .flatMap((each) => each.modelTypes)
    .filter((type) => !modelTypes.includes(type));
  // compared with the whole in architectures.test.ts, qwen-delta.test.ts and phimoe-hunyuan-mistral.test.ts, and with its
  // language model in kimi.test.ts, gemma4.test.ts and dense.test.ts
  expect(others.sort()).toEqual([
    'aria_text',
    'gemma3',
    'gemma4',
    'kimi_k25',
    'mistral4',
    'qwen3_5_moe_text',
    'qwen3_omni_moe_thinker',
    'step3p5',
  ]);
});

test.each([
  ...goldenHubNames.map((name) => [name, goldenPath] as const),
  ...denseNames.map((name) => [name, densePath] as const),
])('%s: the words of the hub say the same', (name, path) => {
  const [decoder, hub] = ['config.json', 'config.hub.json'].map((file) => {
    const config = goldenConfig(name, file, path);
    return findArchitecture(config, file).decoder(config, file);
  });
  expect(hub).toEqual(decoder);
});
