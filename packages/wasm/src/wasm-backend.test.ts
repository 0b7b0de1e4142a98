import { testBackend } from '@moeq/kernels/conformance';
import { wasmBackend } from './wasm-backend.js';

// Activations meet quantized weights as integers of 15 bits, codebooks are integers of 14.
const tolerance = { float: 1e-5, quantized: 3e-4 };

for (const simd of ['relaxed', 'plain'] as const) {
  for (const threads of [1, 2, 3]) {
    testBackend({
      name: `wasm, ${simd} SIMD, threads: ${threads}`,
      make: () => wasmBackend({ threads, simd }),
      tolerance,
    });
  }
}
