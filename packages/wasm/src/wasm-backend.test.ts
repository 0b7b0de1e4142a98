import { testBackend } from '@moeq/kernels/conformance';
import { wasmBackend } from './wasm-backend.js';

// Activations meet quantized weights as integers of 8 bits.
const tolerance = { float: 1e-5, quantized: 2.5e-2 };

for (const simd of ['relaxed', 'plain'] as const) {
  for (const threads of [1, 2, 3]) {
    testBackend({
      name: `wasm, ${simd} SIMD, threads: ${threads}`,
      make: () => wasmBackend({ threads, simd }),
      tolerance,
    });
  }
}
