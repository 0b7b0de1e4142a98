import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { benchmark, median } from './benchmark.js';
import { openTiny } from './testkit/open-tiny.js';

test('medians', () => {
  expect([median([3]), median([9, 1, 5]), median([4, 1, 3, 100])]).toEqual([3, 5, 3.5]);
});

test('runs once more than asked for and reports rates', async () => {
  const model = await createModel(await openTiny(), { backend: referenceBackend() });
  const seen: number[][] = [];
  const onProgress = (done: number, total: number) => void seen.push([done, total]);
  const result = await benchmark(model, { promptTokens: 4, decodeTokens: 3, repetitions: 2, onProgress });
  expect(result).toEqual({
    promptTokens: 4,
    decodeTokens: 3,
    repetitions: 2,
    prefillTokensPerSecond: expect.any(Number),
    decodeTokensPerSecond: expect.any(Number),
  });
  expect(result.prefillTokensPerSecond).toBeGreaterThan(0);
  expect(result.decodeTokensPerSecond).toBeGreaterThan(0);
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  await expect(benchmark(model, { promptTokens: 200, decodeTokens: 57 })).rejects.toThrow(
    /at most 256 tokens together, .* found 257/,
  );
  await expect(benchmark(model, { decodeTokens: 1 })).rejects.toThrow('option decodeTokens');
  await expect(benchmark(model, { tokens: 1 } as never)).rejects.toThrow('found "tokens"');
  await expect(benchmark(model, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  );
});
