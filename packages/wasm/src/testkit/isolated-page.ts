// In a page with shared memory: the suite of every backend on two threads, and a main thread that stays free.
import { testBackend } from '@moeq/kernels/conformance';
import { wasmBackend } from '@moeq/wasm';
import { testMainThread } from './main-thread.js';
import { tolerance } from './tolerance.js';

const options = {
  threads: 2,
  simd: 'relaxed',
  onNotice: (notice: string) => {
    throw new Error(notice);
  },
} as const;

testBackend({ name: 'wasm', make: () => wasmBackend(options), tolerance });
testMainThread(options);
