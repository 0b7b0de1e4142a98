// The suite of every backend, without subgroups. Only sums over lanes are another code then: of the cases that differ in
// nothing but the layout of weights or the activation one in eight is enough, of the settings of attention one in four, all of
// them where a run is asked to be thorough: what takes time is the compiling of one shader for each.
import { testBackend } from '@moeq/kernels/conformance';
import { describe, test } from 'vitest';
import { webgpuBackend } from './backend.js';
import { allBut } from './testkit/case-names.js';
import { isThorough, testGpu } from './testkit/gpu.js';

const { gpu, reason } = await testGpu();

const alike =
  /^(linear|experts|embed): (odd sizes, )?(codebook|affine|scale|flat|row|a row)|^experts: without gates|^mlp: (silu|gelu|relu)/;
const attention = /^(attention|latentAttention): /;
const skip = isThorough
  ? []
  : [
      {
        reason: 'the same code as with subgroups, which conformance.test.ts covers',
        tests: [...allBut(8, alike), ...allBut(4, attention)],
      },
    ];

if (gpu === null) {
  describe('webgpu conformance without subgroups', () => {
    test.skip(reason, () => {});
  });
} else {
  testBackend({
    name: 'webgpu without subgroups',
    make: () => webgpuBackend({ gpu, features: { subgroups: false } }),
    skip,
  });
}
