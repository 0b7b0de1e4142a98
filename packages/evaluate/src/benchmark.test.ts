import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { expect, test, vi } from 'vitest';
import { benchmark, median } from './benchmark.js';
import { openTiny } from './testkit/open-tiny.js';

test('medians', () => {
  expect([median([3]), median([9, 1, 5]), median([4, 1, 3, 100])]).toEqual([3, 5, 3.5]);
});

/** Tokens a second that each run is made to report, the one that warms up first. */
const rates = [
  { prefillTokensPerSecond: 1000, decodeTokensPerSecond: 1 },
  { prefillTokensPerSecond: 30, decodeTokensPerSecond: 700 },
  { prefillTokensPerSecond: 50, decodeTokensPerSecond: 900 },
];

test('runs once more than asked for and reports the medians of the rates of the others', async () => {
  const model = await createModel(await openTiny(), { backend: referenceBackend() });
  const runs: { prompt: number; written: number }[] = [];
  const complete = model.complete.bind(model);
  vi.spyOn(model, 'complete').mockImplementation(async (...call) => {
    const result = await complete(...call);
    const rate = rates[runs.length];
    runs.push({ prompt: result.promptTokenIds.length, written: result.tokenIds.length });
    return { ...result, timings: { ...result.timings, ...rate } };
  });
  const seen: number[][] = [];
  const onProgress = (done: number, total: number) => void seen.push([done, total]);
  const result = await benchmark(model, { promptTokens: 4, decodeTokens: 3, repetitions: 2, onProgress });
  expect(result).toEqual({
    promptTokens: 4,
    decodeTokens: 3,
    repetitions: 2,
    prefillTokensPerSecond: 40,
    decodeTokensPerSecond: 800,
  });
  expect(runs).toEqual(rates.map(() => ({ prompt: 4, written: 3 })));
  expect(seen).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  await expect(benchmark(model, { promptTokens: 200, decodeTokens: 57 })).rejects.toThrow(
    /at most 256 tokens together, .* found 257/,
  );
  await expect(benchmark(model, { decodeTokens: 1 })).rejects.toThrow('option decodeTokens');
  await expect(benchmark(model, { tokens: 1 } as never)).rejects.toThrow(
    'option "tokens": cannot measure: expected one of the options decodeTokens, ',
  );
  await expect(benchmark(model, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  );
});
