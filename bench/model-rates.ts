// How fast a model of ours reads a prompt and writes on, greedily.
import type { Model } from '@moeq/runtime';
import type { Rates } from './llama-cpp/contender.ts';

export async function modelRates(model: Model, prompt: Int32Array, decodeTokens: number): Promise<Rates> {
  const { timings } = await model.complete(prompt, {
    maxNewTokens: decodeTokens,
    stopTokenIds: [],
    temperature: 0,
  });
  return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond };
}
