import { describe, expect, test, vi } from 'vitest';
import { readOptions, type WasmOptions } from './options.js';
import { wasmBackend } from './wasm-backend.js';

describe('options', () => {
  test.each<[string, object, string]>([
    [
      'an unknown one',
      { thread: 2 },
      'option "thread": cannot start the WebAssembly backend: expected one of the options onNotice, simd, threads, workerUrl, workers, found an unknown option, which is nearest to threads',
    ],
    ['no threads', { threads: 0 }, 'expected an integer from 1 to 256, found 0'],
    ['half a thread', { threads: 1.5 }, 'expected an integer from 1 to 256, found 1.5'],
    ['too many', { threads: 257 }, 'expected an integer from 1 to 256, found 257'],
    ['a SIMD level that is none', { simd: 'avx' }, 'expected auto, relaxed or plain, found "avx"'],
    ['workers that are neither wanted nor not', { workers: 'no' }, 'expected true or false, found "no"'],
    [
      'a URL of nothing',
      { workerUrl: 7 },
      'option workerUrl: cannot start the WebAssembly backend: expected a URL',
    ],
    [
      'a URL of no worker',
      { workers: false, workerUrl: '/w.js' },
      'expected none without workers, found "/w.js"',
    ],
    ['two threads without workers', { workers: false, threads: 2 }, 'expected 1 without workers, found 2'],
  ])('refuses %s', (_, options, message) => {
    expect(() => readOptions(options as WasmOptions)).toThrow(message);
  });

  test('has at least one thread and the SIMD of the engine by default', () => {
    const { threads, simd, shared, notice } = readOptions({});
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(['relaxed', 'plain']).toContain(simd);
    expect([shared, notice]).toEqual([true, null]);
  });

  test('without shared memory it runs on one thread, and says so once', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    try {
      const onNotice = vi.fn();
      const backend = await wasmBackend({ threads: 4, onNotice });
      expect(backend.threads).toBe(1);
      expect(onNotice).toHaveBeenCalledTimes(1);
      expect(onNotice.mock.calls[0]?.[0]).toMatch(/one thread.*cross-origin isolated/);
      await backend.destroy();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
