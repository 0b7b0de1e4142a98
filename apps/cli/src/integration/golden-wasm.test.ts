// Every golden checkpoint against transformers, on two threads.
import type { Backend } from '@moeq/kernels';
import { wasmBackend } from '@moeq/wasm';
import { afterAll, beforeAll, describe } from 'vitest';
import {
  denseNames,
  densePath,
  quantizedNames,
  quantizedPath,
} from '../../../../packages/loader/src/testkit/golden.js';
import { float32Bound, goldenSuite } from '../../../../packages/loader/src/testkit/golden-suite.js';

describe('on WebAssembly', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await wasmBackend({ threads: 2 });
  });
  afterAll(() => backend.destroy());

  goldenSuite({ backend: () => backend, bound: float32Bound });

  describe('without experts', () => {
    goldenSuite({ backend: () => backend, bound: float32Bound, names: denseNames, path: densePath });
  });

  describe('checkpoints that come quantized', () => {
    // activations meet codes of 4 bits as integers
    goldenSuite({ backend: () => backend, bound: () => 3e-2, names: quantizedNames, path: quantizedPath });
  });
});
