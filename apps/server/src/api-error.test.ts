import { MoeqError } from '@moeq/tensors';
import { WebGpuError } from '@moeq/webgpu';
import { expect, test } from 'vitest';
import { toApiError } from './api-error.js';

const facts = { operation: 'compute', subject: 'WebGPU device', expected: 'a device', found: 'none' };

test('a device that is lost is worth asking again; other errors of moeq are not', () => {
  const lost = toApiError(new WebGpuError('deviceLost', facts));
  expect([lost.status, lost.headers]).toEqual([503, { 'Retry-After': '5' }]);
  expect(lost.body).toMatchObject({
    error: { code: 'device_lost', message: expect.stringContaining('again') },
  });
  expect(toApiError(new WebGpuError('validation', facts)).status).toBe(400);
  expect(toApiError(new MoeqError(facts)).status).toBe(400);
  expect(toApiError(new Error('x'))).toMatchObject({
    status: 500,
    message: expect.not.stringContaining('x'),
  });
});
