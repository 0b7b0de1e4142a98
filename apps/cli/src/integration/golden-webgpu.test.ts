// Every golden checkpoint against transformers on a GPU, and what a token costs in dispatches.
import { type WebGpuBackend, webgpuBackend } from '@moeq/webgpu';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { goldenSuite } from '../../../../packages/loader/src/testkit/golden-suite.js';
import { testGpu } from '../../../../packages/webgpu/src/testkit/gpu.js';

const { gpu, reason } = await testGpu();

describe.skipIf(gpu === null)(`on WebGPU${reason && ` (${reason})`}`, () => {
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webgpuBackend({ gpu: gpu as GPU });
  });
  afterAll(() => backend.destroy());

  goldenSuite({
    backend: () => backend,
    bound: (largest) => 1e-5 * largest,
    async around(write, model) {
      const before = backend.stats();
      await write();
      const after = backend.stats();
      const dispatches = (after.dispatches - before.dispatches) / (after.submits - before.submits);
      expect(dispatches).toBeLessThanOrEqual(8 * model.config.layers.length + 2);
    },
  });
});
