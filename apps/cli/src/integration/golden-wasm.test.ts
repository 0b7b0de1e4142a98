// Every golden checkpoint against transformers, on two threads.
import type { Backend } from '@moeq/kernels';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe } from 'vitest';
import { goldenSuite } from '../../../../packages/loader/src/testkit/golden-suite.js';

describe('on WebAssembly', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
  });
  afterAll(() => backend.destroy());

  goldenSuite({ backend: () => backend, bound: (largest) => 1e-5 * largest });
});
