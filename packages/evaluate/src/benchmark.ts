// How fast a loaded model reads a prompt and writes a text, on random tokens, so that all experts take part. Medians over
// repetitions, after one that warms caches and compilers up.
import type { Model } from '@moeq/runtime';
import { checkOptions, checks, counted, type OptionChecks, optionError } from '@moeq/tensors';

export interface BenchmarkOptions {
  /** Default 128, or half of the context. */
  readonly promptTokens?: number | undefined;
  /** Default 64, or what the context leaves; at least 2. */
  readonly decodeTokens?: number | undefined;
  /** Default 5. */
  readonly repetitions?: number | undefined;
  /** Awaited, with repetitions done and all, the one that warms up included. */
  readonly onProgress?: ((done: number, total: number) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Benchmark {
  readonly promptTokens: number;
  readonly decodeTokens: number;
  readonly repetitions: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

const known: OptionChecks<BenchmarkOptions> = {
  promptTokens: checks.integer({ min: 1 }),
  decodeTokens: checks.integer({ min: 2 }),
  repetitions: checks.integer({ min: 1 }),
  onProgress: checks.callback,
  signal: checks.signal,
};

/** @throws MoeqError for a wrong option or more tokens than the context has room for; the signal's reason when it aborts */
export async function benchmark(model: Model, options: BenchmarkOptions = {}): Promise<Benchmark> {
  checkOptions('measure', options, known);
  const { contextLength, config } = model;
  const { promptTokens = Math.max(1, Math.min(128, contextLength >> 1)), onProgress, signal } = options;
  const { decodeTokens = Math.max(2, Math.min(64, contextLength - promptTokens)), repetitions = 5 } = options;
  if (promptTokens + decodeTokens > contextLength) {
    const expected = `at most ${counted(contextLength, 'token')} together, the context of the model`;
    const found = `${promptTokens + decodeTokens}`;
    throw optionError('measure', 'options promptTokens and decodeTokens', expected, found);
  }
  const prefill: number[] = [];
  const decode: number[] = [];
  for (let run = 0; run <= repetitions; run++) {
    signal?.throwIfAborted();
    const prompt = randomTokens(promptTokens, config.vocabularySize, run);
    // No token ends the text, so that every run writes as much.
    const { timings } = await model.complete(prompt, {
      maxNewTokens: decodeTokens,
      stopTokenIds: [],
      temperature: 0,
      signal,
    });
    signal?.throwIfAborted();
    if (run > 0) {
      prefill.push(timings.prefillTokensPerSecond);
      decode.push(timings.decodeTokensPerSecond);
    }
    await onProgress?.(run + 1, repetitions + 1);
  }
  return {
    promptTokens,
    decodeTokens,
    repetitions,
    prefillTokensPerSecond: median(prefill),
    decodeTokensPerSecond: median(decode),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

/** Token ids, the same for the same run: a multiplicative hash of their places. */
function randomTokens(count: number, vocabularySize: number, run: number): Int32Array {
  return Int32Array.from({ length: count }, (_, place) => {
    const hash = Math.imul(place + 1 + 7919 * run, 0x9e3779b1) >>> 0;
    return hash % vocabularySize;
  });
}
