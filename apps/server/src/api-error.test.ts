import { MoeqError } from '@moeq/tensors';
import { WebGpuError } from '@moeq/webgpu';
import { expect, test } from 'vitest';
import { toApiError } from './api-error.js';

const facts = { operation: 'compute', subject: 'WebGPU device', expected: 'a device', found: 'none' };

test('a lost device is worth a retry; other failures are reported without details', () => {
  const lost = toApiError(new WebGpuError('deviceLost', facts));
  expect([lost.status, lost.headers]).toEqual([503, { 'Retry-After': '5' }]);
  expect(lost.body).toMatchObject({
    error: { code: 'device_lost', message: expect.stringContaining('again') },
  });
  for (const error of [new WebGpuError('validation', facts), new MoeqError(facts), new Error('secret')]) {
    const failure = toApiError(error);
    expect([failure.status, failure.headers]).toEqual([500, {}]);
    expect(failure.message).not.toMatch(/secret|WebGPU/);
  }
});
