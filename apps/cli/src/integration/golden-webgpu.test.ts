// Golden checkpoints against transformers on a GPU, and what a token costs in dispatches.
import type { DecoderConfig, Model } from '@moeq/runtime';
import { type WebGpuBackend, webgpuBackend } from '@moeq/webgpu';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  denseNames,
  densePath,
  goldenNames,
  quantizedPath,
} from '../../../../packages/loader/src/testkit/golden.js';
import { float32Bound, goldenSuite } from '../../../../packages/loader/src/testkit/golden-suite.js';
import { isThorough, testGpu } from '../../../../packages/webgpu/src/testkit/gpu.js';

const { gpu, reason } = await testGpu();

/** Without a GPU a shader takes long to compile: one for each kind of layer, all of them where a run is asked to be thorough. */
const kinds = [
  ...[
    'cohere2_moe',
    'deepseek_v3',
    'flex_olmo',
    'gemma4_text',
    'glm4_moe',
    'gpt_oss',
    'granitemoehybrid',
    'jamba',
  ],
  ...['kimi_linear', 'lfm2_moe', 'mixtral', 'nemotron_h', 'olmoe', 'qwen2_moe', 'qwen3_next'],
];
const names = goldenNames.filter((name) => isThorough || kinds.includes(name));
const quantizedNames = isThorough ? ['deepseek_v3_fp8', 'gpt_oss_mxfp4'] : ['gpt_oss_mxfp4'];

/**
 * Of a token: two beside the layers, and a last norm that is a layer norm; no multiply takes a norm behind it, or the residual
 * beside a sum, with it; and latent attention, Kimi Delta Attention and Mamba have up to two multiplies more; an input of the
 * layer's own has five, with what is made of the token for all layers.
 */
function mostDispatches({ layers, norm }: DecoderConfig): number {
  return layers.reduce(
    (sum, { blocks }) => {
      const isJoined = blocks.every((block) => {
        const isLong = 'mixer' in block && ['kimiDelta', 'latent', 'mamba'].includes(block.mixer.kind);
        return block.postNorm === null && !('sum' in block) && !isLong;
      });
      const inputs = blocks.filter((block) => 'layerInput' in block).length;
      return sum + (isJoined ? 8 : 10) + 5 * inputs;
    },
    norm.kind === 'layer' ? 3 : 2,
  );
}

describe.skipIf(gpu === null)(`on WebGPU${reason && ` (${reason})`}`, () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuBackend({ gpu: gpu as GPU });
  });
  afterAll(() => backend.destroy());

  const suite = {
    backend: () => backend,
    names,
    bound: float32Bound,
    async around(write: () => Promise<void>, model: Model) {
      await write();
      const before = backend.stats();
      await model.complete([1], { temperature: 0, maxNewTokens: 2, stopTokenIds: [] });
      const after = backend.stats();
      expect((after.dispatches - before.dispatches) / 2).toBeLessThanOrEqual(mostDispatches(model.config));
    },
  };
  goldenSuite(suite);

  describe.skipIf(!isThorough)('without experts', () => {
    goldenSuite({ ...suite, names: denseNames, path: densePath });
  });

  describe('checkpoints that come quantized', () => {
    goldenSuite({ ...suite, names: quantizedNames, path: quantizedPath });
  });
});
