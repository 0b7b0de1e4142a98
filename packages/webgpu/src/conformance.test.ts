// The suite of every backend, on a device of Dawn with subgroups. conformance-plain.test.ts does without.
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
  testBackend({ name: 'webgpu', make: () => webgpuBackend({ gpu }) });
}
