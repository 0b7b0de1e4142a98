// In a page without shared memory: the suite of every backend, a main thread that stays free, and the notices to the user.
import { testBackend } from '@moeq/kernels/conformance';
import { wasmBackend } from '@moeq/wasm';
import { test } from 'vitest';
import { testMainThread } from './main-thread.js';
import { tolerance } from './tolerance.js';

const quiet = { onNotice: () => {} };

testBackend({ name: 'wasm', make: () => wasmBackend(quiet), tolerance });
testMainThread(quiet);

test('one thread, and a notice of it, once', async () => {
  const notices: string[] = [];
  const backend = await wasmBackend({ threads: 2, onNotice: (notice) => notices.push(notice) });
  for (let i = 0; i < 2; i++)
    await backend.step(async (step) => step.read(step.input(Float32Array.of(1), 1)));
  await backend.destroy();
  if (backend.threads !== 1) throw new Error(`there are ${backend.threads} threads`);
  if (notices.length !== 1 || !/not cross-origin isolated/.test(notices[0] ?? ''))
    throw new Error(`notices: ${JSON.stringify(notices)}`);
});

test('no notice where one thread was asked for', async () => {
  const notices: string[] = [];
  const backend = await wasmBackend({ threads: 1, onNotice: (notice) => notices.push(notice) });
  await backend.destroy();
  if (notices.length > 0) throw new Error(`notices: ${JSON.stringify(notices)}`);
});
