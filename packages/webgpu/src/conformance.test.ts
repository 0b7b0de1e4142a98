// The suite of every backend, on a device of Dawn with subgroups. conformance-plain.test.ts does without. Experts
// read their weights as `linear` does, which meets every layout: one in four is enough for them, unless a run is thorough.
import { testBackend } from '@moeq/kernels/conformance';
import { describe, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { allBut } from './testkit/case-names.js';
import { isThorough, testGpu } from './testkit/gpu.js';

const { gpu, reason } = await testGpu();

if (gpu === null) {
  describe('webgpu conformance', () => {
    test.skip(reason, () => {});
  });
} else {
  const layouts = /^experts: (codebook|affine|scale|flat|row|a row)/;
  const skip = isThorough ? [] : [{ reason: 'the layout is met by `linear`', tests: allBut(4, layouts) }];
  testBackend({ name: 'webgpu', make: () => webgpuBackend({ gpu }), skip });
}
