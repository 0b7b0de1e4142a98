// The suite of every backend, on a device of Dawn, with and without subgroups.
import { testBackend } from '@moeq/kernels/conformance';
import { describe, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { testGpu } from './testkit/gpu.js';

const { gpu, reason } = await testGpu();

if (gpu === null) {
  describe('webgpu conformance', () => {
    test.skip(reason, () => {});
  });
} else {
  for (const subgroups of [true, false]) {
    testBackend({
      name: `webgpu ${subgroups ? 'with' : 'without'} subgroups`,
      make: () => webgpuBackend({ gpu, features: { subgroups } }),
    });
  }
}
