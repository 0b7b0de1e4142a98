// In a page: the suite of every backend, on the device of the browser's adapter.
import { testBackend } from '@moeq/kernels/conformance';
import { isSoftwareAdapter, webgpuBackend } from '@moeq/webgpu';
import { test } from 'vitest';

test('SwiftShader is known to be a software adapter', async () => {
  const info = (await navigator.gpu.requestAdapter())?.info;
  if (info === undefined || !isSoftwareAdapter(info)) throw new Error(`found ${info?.description}`);
});

testBackend({ name: 'webgpu', make: () => webgpuBackend() });
